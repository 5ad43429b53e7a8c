//! `fetch` survives: killed processes, aborts, attempts, limits.

use crate::fetch_web;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use fetch_web::Web;
use serde_json::{Value, json};
use tasker_testkit::{
    pg,
    stack::{Shape, Stack},
};

fn folder(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fetch-{name}"));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

async fn stack(shape: Shape, name: &str, web: &Web, more: &[(&str, &str)]) -> Stack {
    let mut env = vec![("TASKER_FETCH_ALLOW_PRIVATE".to_owned(), web.allowed())];
    env.extend(more.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    Stack::start(shape, &folder(name), &env).await.unwrap()
}

async fn rows(stack: &Stack, run: i64) -> Vec<Value> {
    let (_, row) = stack.get(&format!("tasks/status/{run}?limit=1000")).await.unwrap();
    row["stack_runs"].as_array().unwrap()[1..].to_vec()
}

/// 200 requests one after another and 50 at once; the result holds every answer.
const MANY: &str = "module.exports = async ({ a, key }) => { \
    const one = async (i) => { \
        const r = await fetch(`${a}/slow?ms=2&i=${i}&key=${key}`, { headers: { 'x-i': i } }); \
        return [i, r.status, r.url.split('?')[1], await r.text()]; }; \
    const all = []; \
    for (let i = 0; i < 200; i++) all.push(await one(i)); \
    return [...all, ...await Promise.all(Array.from({ length: 50 }, (_, k) => one(200 + k)))]; };";

async fn calls(stack: &Stack, run: i64) -> (i64, bool) {
    let row = stack.get(&format!("tasks/status/{run}?stack_runs=0")).await;
    row.map_or((0, false), |(_, r)| (r["calls"].as_i64().unwrap_or(0), !r["ended_at"].is_null()))
}

/// How many of a run's calls have their result.
async fn done(stack: &Stack, run: i64) -> usize {
    let rows = rows(stack, run).await;
    rows.iter().filter(|r| r["status"] == "completed").count()
}

/// `most`: requests that one kill may have sent again.
async fn killed_ten_times(mut stack: Stack, web: &Web, victims: &[&str], most: u32) {
    stack.publish("many", MANY).await.unwrap();
    let submit = async |stack: &Stack, key: &str| {
        stack.submit("many", json!({ "a": web.a, "key": key })).await.unwrap()
    };
    let calm = submit(&stack, "x").await;
    let calm = stack.ended(calm, Duration::from_secs(60)).await.unwrap();
    let began = Instant::now();
    let run = submit(&stack, "x").await;
    for kill in 0..10 {
        while done(&stack, run).await < 22 * (kill + 1) {
            assert!(began.elapsed() < Duration::from_secs(120), "{}", stack.logs());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let (_, ended) = calls(&stack, run).await;
        assert!(!ended, "it ended before kill {kill}");
        match victims[kill % victims.len()] {
            "all" => stack.kill_all_and_restart().await.unwrap(),
            one => stack.kill_and_restart(one).await.unwrap(),
        }
    }
    let row = stack.ended(run, Duration::from_secs(120)).await.unwrap();
    assert_eq!(row["status"], "completed", "{row}\n{}", stack.logs());
    assert_eq!(row["result"].to_string(), calm["result"].to_string());
    assert_eq!(row["result"].as_array().map(Vec::len), Some(250));
    // Each request is recorded once, in its place.
    let rows = rows(&stack, run).await;
    let seqs: Vec<_> = rows.iter().map(|r| r["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (0..250).collect::<Vec<_>>());
    assert!(rows.iter().all(|r| r["status"] == "completed"));
    // Two runs, so twice is the least; a kill may have made a request be sent again.
    let counts = web.counts("/slow");
    assert!(counts.len() == 250 && counts.values().all(|n| *n >= 2), "{counts:?}");
    let again: u32 = counts.values().map(|n| n - 2).sum();
    println!("250 requests, 10 kills: {again} sent again, {:?}", began.elapsed());
    assert!(again <= 10 * most, "{again} requests were sent again after 10 kills");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_fetches_is_killed_ten_times_on_sqlite() {
    let web = Web::start().await;
    let calm = [("TASKER_CALLS_AHEAD", "false")];
    let stack = stack(Shape::One, "many-one", &web, &calm).await;
    killed_ten_times(stack, &web, &["all"], 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_ten_times_while_requests_go_ahead_of_commits() {
    let web = Web::start().await;
    let stack = stack(Shape::One, "many-ahead", &web, &[]).await;
    // The four whose answers are committed together, and the one that went ahead of that.
    killed_ten_times(stack, &web, &["all"], 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_fetches_is_killed_ten_times_on_postgres() {
    let web = Web::start().await;
    let server = pg::Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let calm = [("TASKER_CALLS_AHEAD", "false")];
    let stack = stack(Shape::Six(database.url().to_owned()), "many-six", &web, &calm).await;
    let victims = ["wrappedfetch", "deno-executor", "simple-stack-processor", "all"];
    killed_ten_times(stack, &web, &victims, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aborted_request_is_out_of_the_way_and_stays_aborted() {
    let web = Web::start().await;
    let mut stack = stack(Shape::One, "abort", &web, &[]).await;
    let code = "module.exports = async ({ a }) => { \
        const stop = new AbortController(); \
        const late = fetch(`${a}/slow?ms=20000`, { signal: AbortSignal.timeout(150) }).catch((e) => e.name); \
        const queued = fetch(`${a}/hello?queued`, { signal: stop.signal }).catch((e) => e.name); \
        const never = new AbortController(); \
        const atOnce = fetch(`${a}/hello?never`, { signal: never.signal }).catch((e) => e.name); \
        never.abort(); \
        setTimeout(() => stop.abort(), 50); \
        const names = [await late, await queued, await atOnce]; \
        const next = await (await fetch(`${a}/hello`)).text(); \
        await new Promise((done) => setTimeout(done, 1000)); \
        return [...names, next, await (await fetch(`${a}/hello`)).text()]; };";
    let began = Instant::now();
    stack.publish("abort", code).await.unwrap();
    let run = stack.submit("abort", json!({ "a": web.a })).await.unwrap();
    while web.count("/hello") == 0 {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "the next request waits\n{}",
            stack.logs()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stack.kill_all_and_restart().await.unwrap();
    let row = stack.ended(run, Duration::from_secs(15)).await.unwrap();
    let expected =
        json!(["TimeoutError", "AbortError", "AbortError", "hello, world", "hello, world"]);
    assert_eq!(row["result"], expected, "{row}\n{}", stack.logs());
    let rows = rows(&stack, run).await;
    let fetched: Vec<_> = rows.iter().filter(|r| r["kind"] == "call").collect();
    let statuses: Vec<_> = fetched.iter().map(|r| r["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["cancelled", "cancelled", "cancelled", "completed", "completed"]);
    // What was aborted before it was sent was not sent.
    assert_eq!((web.count("/hello?queued"), web.count("/hello?never")), (0, 0));
}

/// The result of a task with this body, to which the servers' addresses are known.
async fn run(stack: &Stack, web: &Web, code: &str) -> Value {
    let code = format!("module.exports = async ({{ a, dead }}) => {{ {code} }};");
    let row = stack.run("t", &code, web.env()).await.unwrap();
    assert_eq!(row["status"], "completed", "{row}\n{}", stack.logs());
    row["result"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_and_limits() {
    let web = Web::start().await;
    let stack = stack(Shape::One, "options", &web, &[]).await;
    attempts(&stack, &web).await;
    options(&stack, &web).await;
    sizes(&stack, &web).await;
    answers_that_are_withheld(&stack, &web).await;
}

async fn attempts(stack: &Stack, web: &Web) {
    // No attempt that was not asked for.
    let plain = run(
        stack,
        web,
        "const r = await fetch(`${a}/busy/plain`); return [r.status, await r.text()];",
    )
    .await;
    assert_eq!((plain, web.count("/busy/plain")), (json!([503, "busy"]), 1));
    let thrice = run(stack, web, "const r = await fetch(`${a}/busy/thrice`, { tasker: { retry: { backoffMs: 10 } } }); return [r.status, await r.json()];").await;
    assert_eq!((thrice, web.count("/busy/thrice")), (json!([200, { "after": 3 }]), 3));
    // The last answer is an answer.
    let twice = run(stack, web, "const r = await fetch(`${a}/busy/twice`, { tasker: { retry: { attempts: 2, backoffMs: 10 } } }); return [r.status, r.ok, await r.text(), r.url];").await;
    assert_eq!(twice, json!([503, false, "busy", format!("{}/busy/twice", web.a)]));
    let statuses = run(stack, web, "const r = await fetch(`${a}/status/404`, { tasker: { retry: { attempts: 3, backoffMs: 1, statuses: [404] } } }); return r.status;").await;
    assert_eq!((statuses, web.count("/status/404")), (json!(404), 3));
    let refused = run(stack, web, "return fetch(dead, { tasker: { retry: { attempts: 3, backoffMs: 10 } } }).catch((e) => [e.name, e.code, e.cause.code]);").await;
    assert_eq!(refused, json!(["TypeError", "ConnectFailed", "ConnectFailed"]));
}

async fn options(stack: &Stack, web: &Web) {
    let wrong = "const w = async (tasker) => fetch(a, { tasker }).catch((e) => `${e.name}: ${e.message}`); \
        return [await w({ retires: 1 }), await w({ timeoutMs: 0 }), await w({ retry: 'x' })];";
    let wrong = run(stack, web, wrong).await.to_string();
    for part in [
        "TypeError: init.tasker has no 'retires'",
        "init.tasker: timeoutMs must be",
        "init.tasker: retry: ",
    ] {
        assert!(wrong.contains(part), "{wrong}");
    }
    let slow = run(stack, web, "return fetch(`${a}/slow?ms=5000`, { tasker: { timeoutMs: 100 } }).catch((e) => [e.name, e.code, e.message]);").await;
    assert_eq!(slow[1], "TimeLimit", "{slow}");
}

async fn sizes(stack: &Stack, web: &Web) {
    let most = 7 << 20;
    let full = run(stack, web, &format!("const b = await (await fetch(`${{a}}/bytes?n={most}`)).bytes(); return [b.length, b[{most} - 1]];")).await;
    assert_eq!(full, json!([most, 255]));
    let over = run(
        stack,
        web,
        &format!("return fetch(`${{a}}/bytes?n={}`).catch((e) => [e.name, e.code]);", most + 1),
    )
    .await;
    assert_eq!(over, json!(["TypeError", "ResponseTooLarge"]));
    let bomb =
        run(stack, web, "return fetch(`${a}/packed/bomb`).catch((e) => [e.name, e.code]);").await;
    assert_eq!(bomb, json!(["TypeError", "ResponseTooLarge"]));
    let large = "const r = await fetch(`${a}/mirror`, { method: 'PUT', body: new Uint8Array(6 << 20).fill(255) }); return (await r.bytes()).length;";
    assert_eq!(run(stack, web, large).await, json!(6 << 20));
    let too_large = "return fetch(`${a}/mirror`, { method: 'PUT', body: new Uint8Array(9 << 20).fill(255) }).catch((e) => [e.name, e.message]);";
    let too_large = run(stack, web, too_large).await;
    assert_eq!(too_large[0], "PayloadTooLarge", "{too_large}");
}

async fn answers_that_are_withheld(stack: &Stack, web: &Web) {
    let integrity = "const get = (integrity) => fetch(`${a}/hello`, { integrity }).then((r) => r.text(), (e) => e.code); \
        return [await get('sha256-Ccp+TqpuiunH0mEWcSkYSINkTQffuny/vEyKLgg2DVs='), await get('sha256-AAAA')];";
    let integrity = run(stack, web, integrity).await;
    assert_eq!(integrity, json!(["hello, world", "IntegrityMismatch"]));

    // An address that is not allowed, in the words of task code; no path or query leaks.
    let private = "return fetch('http://127.0.0.1:1234/secret?token=x').catch((e) => [e.name, e.code, e.message]);";
    let private = run(stack, web, private).await;
    assert_eq!(private[1], "AddressNotAllowed", "{private}");
    assert!(!private[2].as_str().unwrap().contains("secret"), "{private}");
}

/// A request that may not be repeated is not: a kill while it is under way leaves it to a person.
/// One with an Idempotency-Key is sent again.
#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_repeated_only_with_a_key() {
    let web = Web::start().await;
    let mut stack = stack(Shape::One, "post", &web, &[]).await;
    let code = "module.exports = async ({ a, key }) => { \
        const headers = key ? { 'Idempotency-Key': key } : {}; \
        const path = key ?? 'none'; \
        return (await fetch(`${a}/slow?ms=700&${path}`, { method: 'POST', body: 'x', headers })).status; };";
    stack.publish("post", code).await.unwrap();
    let plain = stack.submit("post", json!({ "a": web.a })).await.unwrap();
    let keyed = stack.submit("post", json!({ "a": web.a, "key": "k1" })).await.unwrap();
    while web.counts("/slow").len() < 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stack.kill_all_and_restart().await.unwrap();
    let row = stack.ended(keyed, Duration::from_secs(20)).await.unwrap();
    assert_eq!(row["result"], 200, "{row}");
    assert_eq!(web.count("/slow?ms=700&k1"), 2);
    let rows = rows(&stack, plain).await;
    assert_eq!(rows[0]["status"], "needs_attention", "{rows:?}");
    assert_eq!(web.count("/slow?ms=700&none"), 1);
}
