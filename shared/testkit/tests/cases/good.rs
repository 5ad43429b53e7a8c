//! Tasks that end well without calling anything.

use serde_json::{Value, json};

use super::{Case, End::Is};

pub fn cases() -> Vec<Case> {
    vec![
        Case(
            "input",
            "module.exports = async (i) => ({ got: i });",
            json!({"a": [1, null, "é😀"]}),
            Is(json!({"got": {"a": [1, null, "é😀"]}})),
        ),
        Case("sync", "module.exports = (i) => i.n + 1;", json!({"n": 1}), Is(json!(2))),
        Case("nothing", "module.exports = async () => {};", json!({}), Is(Value::Null)),
        Case("named", "exports.run = async () => 'named';", json!({}), Is(json!("named"))),
        Case(
            "esm",
            "export default async function (i) { return i.x * 2; }",
            json!({"x": 21}),
            Is(json!(42)),
        ),
        Case(
            "esm-top",
            "const r = await __callHostTool__('gapi', 'echo', ['top']); export default () => r;",
            json!({}),
            Is(json!({"echo": "top"})),
        ),
        Case(
            "typescript",
            "interface In { n: number }\nenum Color { Red = 3 }\nexport default async function (input: In): Promise<number> {\n  const x = input.n as number;\n  return x! + Color.Red;\n}",
            json!({"n": 4}),
            Is(json!(7)),
        ),
        Case(
            "clock",
            "module.exports = async () => { const a = Date.now(); let x = 0; for (let i = 0; i < 1e5; i++) x += i; return [Date.now() === a, new Date() instanceof Date, typeof Math.random()]; };",
            json!({}),
            Is(json!([true, true, "number"])),
        ),
        Case(
            "web",
            WEB,
            json!({}),
            Is(json!(["/b?c=1", "1", true, "aGk=", "hi", 3, "é", true, "hello", [1, 2]])),
        ),
        Case(
            "sandbox",
            "module.exports = async () => [typeof Deno, typeof process, typeof require, typeof fetch, typeof __bootstrap, typeof __tasker, typeof WebAssembly, typeof SharedArrayBuffer, [].constructor.constructor('return typeof Deno')()];",
            json!({}),
            Is(json!([
                "undefined",
                "undefined",
                "function",
                "function",
                "undefined",
                "undefined",
                "undefined",
                "undefined",
                "undefined"
            ])),
        ),
    ]
}

const WEB: &str = "module.exports = async () => { const u = new URL('/b?c=1', 'http://x.y/a'); \
    const stop = new AbortController(); stop.abort(); \
    const parts = []; for await (const c of new ReadableStream({ start(s) { s.enqueue(1); s.enqueue(2); s.close(); } })) parts.push(c); \
    return [u.pathname + u.search, u.searchParams.get('c'), stop.signal.aborted, btoa('hi'), atob('aGk='), \
      new TextEncoder().encode('€').length, new TextDecoder().decode(new Uint8Array([195, 169])), \
      structuredClone(new Map([[1, { a: 2 }]])).get(1).a === 2, await new Blob(['hel', 'lo']).text(), parts]; };";
