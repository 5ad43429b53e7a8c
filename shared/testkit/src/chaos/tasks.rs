//! The tasks that every world publishes.

/// Every kind of call in every run: a fifth must not be repeated, one is a run of its own, one a
/// timer. The result holds each call's answer.
pub const MIXED: &str = "module.exports = async ({ key, phase, n, busy, retry }) => { \
    const all = [], often = retry && { retry }; \
    for (let i = 0; i < n; i++) { \
        const ask = { key, phase, i, busy: busy && i % 7 === 0 ? 1 : 0 }; \
        if (i % 5 === 4) all.push((await __callHostTool__('wrappedoracle', 'effect', [ask])).value); \
        else if (i % 20 === 2) all.push(await __callHostTool__('tasks', 'execute', ['leaf', { key, phase, i }], often)); \
        else if (i % 20 === 6) await new Promise((r) => setTimeout(r, 20)); \
        else if (i % 10 === 8) all.push(await __callHostTool__('keystore', 'getKey', ['default', 'NONE'], often)); \
        else if (i % 20 === 3) all.push((await __callHostTool__('database', [{ property: 'from', args: ['task_functions'] }, { property: 'select', args: ['name'] }, { property: 'eq', args: ['name', 'leaf'] }], undefined, often)).data); \
        else all.push((await __callHostTool__('gapi', 'echo', [ask])).echo.i); \
    } return all; };";
/// One call that must not be repeated.
pub const LEAF: &str = "module.exports = async ({ key, phase, i }) => \
    (await __callHostTool__('wrappedoracle', 'effect', [{ key, phase, i: 'leaf' + i }])).value;";
/// One call with whatever the input says, and its answer.
pub const ONE: &str = "module.exports = async ({ service, method, ask, options }) => \
    await __callHostTool__(service, method, [ask], options);";
