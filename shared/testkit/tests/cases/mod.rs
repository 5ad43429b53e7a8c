//! One list of cases for every shape of tasker.

use serde_json::{Value, json};
use tasker_testkit::stack::Stack;

/// A task, its input, and what its run must end with.
struct Case(&'static str, &'static str, Value, End);

enum End {
    /// Completed with this result.
    Is(Value),
    /// Failed with an error of this name whose message contains this.
    Fails(&'static str, &'static str),
    /// Failed, and the error points at this line and column of the source.
    FailsAt(&'static str, u32, u32),
}
use End::{Fails, FailsAt, Is};

/// Runs all of them, each as a run of its own.
pub async fn all(stack: &Stack) {
    let cases = [good(), calls(), bad()];
    let mut wrong = Vec::new();
    for Case(name, code, input, end) in cases.into_iter().flatten() {
        let row = match stack.run(name, code, input).await {
            Ok(row) => row,
            Err(error) => {
                wrong.push(format!("{name}: {error:#}"));
                continue;
            }
        };
        if let Err(why) = check(&row, &end) {
            wrong.push(format!("{name}: {why}\n    {row}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), stack.logs());
    hostile_requests(stack).await.expect("the services answer");
}

fn check(row: &Value, end: &End) -> Result<(), String> {
    let (status, error) = (&row["status"], &row["error"]);
    let good = match end {
        Is(result) => status == "completed" && row["result"] == *result,
        Fails(name, part) => {
            status == "failed"
                && error["name"] == *name
                && error["message"].as_str().is_some_and(|m| m.contains(part))
        }
        FailsAt(name, line, column) => {
            status == "failed"
                && error["name"] == *name
                && error["line"] == *line
                && error["column"] == *column
        }
    };
    if good { Ok(()) } else { Err("ended otherwise".to_owned()) }
}

fn good() -> Vec<Case> {
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
                "undefined",
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

fn calls() -> Vec<Case> {
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
        Case(
            "database",
            "module.exports = async () => (await __callHostTool__('database', [{ property: 'from', args: ['task_functions'] }, { property: 'select', args: ['name'] }, { property: 'eq', args: ['name', 'hello'] }, { property: 'single', args: [] }])).data;",
            json!({}),
            Is(json!({"name": "hello"})),
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

fn bad() -> Vec<Case> {
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
            "module.exports = async () => { const a = []; for (;;) a.push({ x: 1, y: [1, 2, 3] }); };",
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

/// Requests that are wrong are answered at once, with the field and the fix.
async fn hostile_requests(stack: &Stack) -> anyhow::Result<()> {
    let unknown = json!({ "task_identifier": "no-such-task", "input": {} });
    let (status, body) = stack.post("tasks/execute", &unknown).await?;
    assert_eq!(status, 404, "{body}");
    assert!(body["error"].as_str().is_some_and(|e| e.contains("no-such-task")), "{body}");
    let (status, body) = stack.post("tasks/execute", &json!({ "input": 1 })).await?;
    assert_eq!(status, 400, "{body}");
    let says = body["error"].as_str().unwrap_or_default();
    assert!(says.starts_with("Missing task_identifier"), "{body}");
    let client = reqwest::Client::new();
    let broken = client.post(format!("{}/tasks/execute", stack.url)).body("{\"a\": ").send().await;
    assert_eq!(broken?.status(), 400);
    let (status, body) = stack.post("deno-executor", &json!({ "taskName": "x" })).await?;
    assert_eq!((status, body["error"].as_str()), (400, Some("Missing taskCode or taskName")));
    let direct = json!({ "taskName": "d", "taskCode": "module.exports = async (i) => i.a", "taskInput": { "a": 5 } });
    let (status, body) = stack.post("deno-executor", &direct).await?;
    assert_eq!((status, &body["status"], &body["result"]), (200, &json!("completed"), &json!(5)));
    let (status, _) = stack.get("nothing").await?;
    assert_eq!(status, 404);
    Ok(())
}
