//! Tasks that call services, each other, and timers.

use serde_json::{Value, json};

use super::{Case, End::Is};

pub fn cases() -> Vec<Case> {
    [calls_and_timers(), errors_and_nested_runs(), tables_and_odd_values()]
        .into_iter()
        .flatten()
        .collect()
}

fn calls_and_timers() -> Vec<Case> {
    vec![
        Case(
            "one-call",
            "module.exports = async () => (await __callHostTool__('gapi', ['echo'], [{ x: 1 }])).echo.x;",
            json!({}),
            Is(json!(1)),
        ),
        Case(
            "falsy",
            "module.exports = async () => { const out = []; for (const v of [null, 0, false, '']) out.push((await __callHostTool__('gapi', 'echo', [v])).echo); return out; };",
            json!({}),
            Is(json!([null, 0, false, ""])),
        ),
        Case(
            "null-result",
            "module.exports = async () => await __callHostTool__('keystore', 'getKey', ['default', 'NOT_THERE']);",
            json!({}),
            Is(Value::Null),
        ),
        Case(
            "all",
            "module.exports = async () => (await Promise.all([3, 1, 2].map((n) => __callHostTool__('gapi', 'echo', [n])))).map((r) => r.echo);",
            json!({}),
            Is(json!([3, 1, 2])),
        ),
        Case(
            "race",
            "module.exports = async () => Promise.race([__callHostTool__('gapi', 'echo', ['call']).then((r) => r.echo), new Promise((r) => setTimeout(r, 60000, 'late'))]);",
            json!({}),
            Is(json!("call")),
        ),
        Case(
            "timer",
            "module.exports = async () => { const t = Date.now(); await new Promise((r) => setTimeout(r, 120)); const d = Date.now() - t; return d >= 100 && d < 20000; };",
            json!({}),
            Is(json!(true)),
        ),
        Case(
            "interval",
            "module.exports = async () => { let n = 0; await new Promise((done) => { const id = setInterval(() => { if (++n === 3) { clearInterval(id); done(); } }, 5); }); return n; };",
            json!({}),
            Is(json!(3)),
        ),
    ]
}

fn errors_and_nested_runs() -> Vec<Case> {
    vec![
        Case(
            "catch",
            "module.exports = async () => { try { await __callHostTool__('nowhere', 'x', []); } catch (e) { return [e.name, e instanceof Error, e.message.includes('wrappedgapi')]; } };",
            json!({}),
            Is(json!(["UnknownService", true, true])),
        ),
        Case(
            "catch-service",
            "module.exports = async () => { try { await __callHostTool__('gapi', 'no.such.method', [{}]); } catch (e) { return [e.name, e.status]; } finally { await __callHostTool__('gapi', 'echo', [1]); } };",
            json!({}),
            Is(json!(["ServiceError", 400])),
        ),
        Case(
            "bad-args",
            "module.exports = async () => { try { await __callHostTool__('gapi', 'echo', [10n]); } catch (e) { return e.name; } };",
            json!({}),
            Is(json!("TypeError")),
        ),
        Case(
            "hello",
            "module.exports = async ({ name }) => ({ hello: name });",
            json!({"name": "a"}),
            Is(json!({"hello": "a"})),
        ),
        Case(
            "nested",
            "module.exports = async () => (await Promise.all(['x', 'y', 'z'].map((name) => __callHostTool__('tasks', 'execute', ['hello', { name }])))).map((r) => r.hello).join('');",
            json!({}),
            Is(json!("xyz")),
        ),
        Case(
            "nested-fails",
            "module.exports = async () => { try { await __callHostTool__('tasks', 'execute', ['input-not-there', {}]); } catch (e) { return [e.name, e.status]; } };",
            json!({}),
            Is(json!(["ServiceError", 404])),
        ),
    ]
}

fn tables_and_odd_values() -> Vec<Case> {
    vec![
        Case(
            "database",
            "module.exports = async () => (await __callHostTool__('database', [{ property: 'from', args: ['task_functions'] }, { property: 'select', args: ['name'] }, { property: 'eq', args: ['name', 'hello'] }, { property: 'single', args: [] }])).data;",
            json!({}),
            Is(json!({"name": "hello"})),
        ),
        Case(
            "database-related",
            "module.exports = async () => (await __callHostTool__('database', [{ property: 'from', args: ['task_functions'] }, { property: 'select', args: ['name, versions:task_function_versions(version)', { count: 'exact' }] }, { property: 'or', args: ['name.eq.hello,name.is.null'] }]));",
            json!({}),
            Is(json!({
                "success": true, "error": null,
                "data": [{"name": "hello", "versions": [{"version": 1}]}], "count": 1,
                "status": 200, "statusText": "OK",
            })),
        ),
        Case(
            "database-closed",
            "module.exports = async () => { const links = [{ property: 'from', args: ['task_runs'] }, { property: 'delete', args: [] }]; const { error } = await __callHostTool__('database', links); try { await __callHostTool__('database', [...links, { property: 'throwOnError', args: [] }]); } catch (e) { return [error.code, e.name, e.status]; } };",
            json!({}),
            Is(json!(["42501", "ServiceError", 403])),
        ),
        Case(
            "unawaited",
            "module.exports = async () => { __callHostTool__('gapi', 'echo', [1]); return 'done'; };",
            json!({}),
            Is(json!("done")),
        ),
        Case(
            "big",
            "module.exports = async () => (await __callHostTool__('gapi', 'echo', ['x'.repeat(3000000)])).echo.length;",
            json!({}),
            Is(json!(3_000_000)),
        ),
        Case(
            "hostile-json",
            "module.exports = async () => { const v = { z: 'a\\u0000b', a: '\\ud800', __proto__x: 1, n: 9007199254740991 }; const r = (await __callHostTool__('tasks', 'execute', ['hello', { name: v }])).hello; return [r.z === v.z, Object.keys(r).join(), r.n === v.n, r.a === v.a]; };",
            json!({}),
            Is(json!([true, "z,a,__proto__x,n", true, true])),
        ),
    ]
}
