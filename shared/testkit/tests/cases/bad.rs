//! Tasks that fail, each in its own way.

use serde_json::json;

use super::{
    Case,
    End::{Fails, FailsAt, Is},
};

pub fn cases() -> Vec<Case> {
    [refused(), with_a_place(), without_a_result(), beyond_a_limit()]
        .into_iter()
        .flatten()
        .collect()
}

fn refused() -> Vec<Case> {
    vec![
        Case(
            "unknown-service",
            "module.exports = async () => { await __callHostTool__('nowhere', 'x', []); };",
            json!({}),
            Fails("UnknownService", "known: tasks"),
        ),
        Case(
            "no-google-key",
            "module.exports = async () => { await __callHostTool__('gapi', 'admin.domains.list', [{}]); };",
            json!({}),
            Fails("ServiceError", "GAPI_KEY"),
        ),
        Case(
            "bad-google-key",
            "module.exports = async () => { const key = (action, name, ...a) => __callHostTool__('keystore', action, ['default', name, ...a]); await key('setKey', 'GAPI_ADMIN_EMAIL', 'a@b.example'); await key('setKey', 'GAPI_KEY', 'not json'); try { await __callHostTool__('gapi', 'admin.domains.list', [{}]); } finally { await key('deleteKey', 'GAPI_KEY'); } };",
            json!({}),
            Fails("ServiceError", "GAPI_KEY"),
        ),
        Case(
            "asks-for-the-google-key",
            "module.exports = () => __callHostTool__('keystore', 'getKey', ['default', 'GAPI_KEY']);",
            json!({}),
            Fails("ServiceError", "read by wrappedgapi alone"),
        ),
    ]
}

fn with_a_place() -> Vec<Case> {
    vec![
        Case(
            "throws",
            "module.exports = async () => {\n  const a = 1;\n  throw new TypeError('no good');\n};",
            json!({}),
            Fails("TypeError", "no good"),
        ),
        Case(
            "throws-at",
            "module.exports = async () => {\n  const a = 1;\n  throw new TypeError('no good');\n};",
            json!({}),
            FailsAt("TypeError", 3, 9),
        ),
        Case(
            "rejected-at",
            "module.exports = async () => {\n  const a = 1;\n  await __callHostTool__('gapi', 'no.such.method', [{}]);\n};",
            json!({}),
            FailsAt("ServiceError", 3, 9),
        ),
        Case(
            "fetch-at",
            "async function get() {\n  return await fetch('http://127.0.0.1:1/');\n}\nmodule.exports = async () => {\n  await get();\n};",
            json!({}),
            FailsAt("TypeError", 2, 16),
        ),
        Case(
            "throws-ts",
            "type A = {\n  x: number;\n};\nexport default async (a: A): Promise<void> => {\n  throw new RangeError('ts');\n};",
            json!({}),
            FailsAt("RangeError", 5, 9),
        ),
        Case(
            "syntax",
            "module.exports = async () => {\n  const b = ;\n};",
            json!({}),
            FailsAt("SyntaxError", 2, 13),
        ),
    ]
}

fn without_a_result() -> Vec<Case> {
    vec![
        Case("top-throw", "\n\nthrow new Error('at load');", json!({}), Fails("Error", "at load")),
        Case("no-export", "const x = 1;", json!({}), Fails("TypeError", "exports no function")),
        Case(
            "import",
            "import x from 'y'; export default () => x;",
            json!({}),
            FailsAt("SyntaxError", 1, 1),
        ),
        Case(
            "throws-string",
            "module.exports = async () => { throw 'plain'; };",
            json!({}),
            Fails("Error", "plain"),
        ),
        Case(
            "throws-null",
            "module.exports = async () => { throw null; };",
            json!({}),
            Fails("Error", "null"),
        ),
        Case(
            "cyclic",
            "module.exports = async () => { const a = {}; a.a = a; return a; };",
            json!({}),
            Fails("TypeError", ""),
        ),
    ]
}

fn beyond_a_limit() -> Vec<Case> {
    vec![
        Case(
            "deadlock",
            "module.exports = async () => { await new Promise(() => {}); };",
            json!({}),
            Fails("Deadlock", "nothing can resolve"),
        ),
        Case(
            "loop",
            "module.exports = async () => { for (;;) {} };",
            json!({}),
            Fails("TimeLimit", "1000 ms"),
        ),
        Case(
            "loop-later",
            "module.exports = async () => { await __callHostTool__('gapi', 'echo', [1]); for (;;) {} };",
            json!({}),
            Fails("TimeLimit", "1000 ms"),
        ),
        Case(
            "loop-native",
            "module.exports = async () => Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);",
            json!({}),
            Fails("TimeLimit", "1000 ms"),
        ),
        Case(
            "heap",
            // In large pieces, so that a busy machine runs out of memory before it runs out of time.
            "module.exports = async () => { const a = []; for (;;) a.push(new Array(10_000).fill(a.length)); };",
            json!({}),
            Fails("HeapLimit", "memory"),
        ),
        Case(
            "stack",
            "module.exports = async () => { const f = () => 1 + f(); return f(); };",
            json!({}),
            Fails("RangeError", ""),
        ),
        Case(
            "rejected",
            "module.exports = async () => { await __callHostTool__('gapi', 'no.such.method', [{}]); };",
            json!({}),
            Fails("ServiceError", "400"),
        ),
        Case(
            "evil",
            "module.exports = async () => { throw { get message() { throw 1; }, toString() { throw 2; } }; };",
            json!({}),
            Fails("Error", "cannot be shown"),
        ),
        Case(
            "good-after-bad",
            "module.exports = async () => (await __callHostTool__('gapi', 'echo', ['ok'])).echo;",
            json!({}),
            Is(json!("ok")),
        ),
    ]
}
