//! Control over runs on the real processes: pause, cancel, retry, time limits, idempotency keys,
//! and calls that wait for a person. One process on SQLite, and six on Postgres.

use std::time::Duration;

use serde_json::{Value, json};
use tasker_core::StackRunId;
use tasker_testkit::{
    pg,
    stack::{Shape, Stack},
};

fn folder(name: &str) -> std::path::PathBuf {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("control-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

const WAIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_in_one_process() {
    let stack = Stack::start(Shape::One, &folder("one"), &[]).await.unwrap();
    all(&stack).await.unwrap_or_else(|e| panic!("{e:#}\n{}", stack.logs()));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_in_six_processes() {
    let server = pg::Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let shape = Shape::Six(database.url().to_owned());
    let mut stack = Stack::start(shape, &folder("six"), &[]).await.unwrap();
    all(&stack).await.unwrap_or_else(|e| panic!("{e:#}\n{}", stack.logs()));
    let done = a_person_decides(&mut stack, database.url()).await;
    done.unwrap_or_else(|e| panic!("{e:#}\n{}", stack.logs()));
    let store = tasker_store::connect(database.url()).await.unwrap();
    assert_eq!(store.check_invariants().await.unwrap(), Vec::<String>::new());
}

async fn all(stack: &Stack) -> anyhow::Result<()> {
    pause_and_resume(stack).await?;
    cancel(stack).await?;
    a_failed_step_is_done_again(stack).await?;
    fixed_code_goes_on(stack).await?;
    out_of_time(stack).await?;
    one_key_one_run(stack).await
}

async fn post(stack: &Stack, verb: &str, body: Value, expected: u16) -> anyhow::Result<Value> {
    let (status, answer) = stack.post(&format!("tasks/{verb}"), &body).await?;
    anyhow::ensure!(status == expected, "{verb} {body} answered {status}: {answer}");
    Ok(answer)
}

async fn row(stack: &Stack, run: i64) -> anyhow::Result<Value> {
    Ok(stack.get(&format!("tasks/status/{run}?stack_runs=0")).await?.1)
}

const MANY: &str = "module.exports = async ({ n }) => { let sum = 0; \
    for (let i = 0; i < n; i++) sum += (await __callHostTool__('gapi', 'echo', [i])).echo; \
    return sum; };";

async fn pause_and_resume(stack: &Stack) -> anyhow::Result<()> {
    stack.publish("many", MANY).await?;
    let n = 400;
    let run = stack.submit("many", json!({ "n": n })).await?;
    while row(stack, run).await?["calls"].as_i64().unwrap_or(0) < 20 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    post(stack, "pause", json!({ "taskRunId": run }), 200).await?;
    // What was under way ends; then it stands still.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let then = row(stack, run).await?;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let now = row(stack, run).await?;
    anyhow::ensure!(now["paused"] == true && now["calls"] == then["calls"], "{then} {now}");
    anyhow::ensure!(now["calls"].as_i64() < Some(n), "it ended before it was paused: {now}");
    post(stack, "resume", json!({ "taskRunId": run }), 200).await?;
    let ended = stack.ended(run, WAIT).await?;
    anyhow::ensure!(ended["result"] == json!(n * (n - 1) / 2) && ended["calls"] == n, "{ended}");
    let late = post(stack, "pause", json!({ "taskRunId": run }), 409).await?;
    anyhow::ensure!(late["status"] == "completed", "{late}");
    Ok(())
}

async fn cancel(stack: &Stack) -> anyhow::Result<()> {
    stack
        .publish("sleeper", "module.exports = () => new Promise((r) => setTimeout(r, 3600000));")
        .await?;
    let code = "module.exports = async () => { try { await __callHostTool__('tasks', 'execute', ['sleeper', {}]); } catch (e) { return e.name; } };";
    stack.publish("outer", code).await?;
    let outer = stack.submit("outer", json!({})).await?;
    let inner = nested_of(stack, outer).await?;
    // The run below by itself: the task above is told, and may catch it.
    post(stack, "cancel", json!({ "taskRunId": inner }), 200).await?;
    anyhow::ensure!(stack.ended(inner, WAIT).await?["status"] == "cancelled");
    let ended = stack.ended(outer, WAIT).await?;
    anyhow::ensure!(ended["status"] == "completed" && ended["result"] == "Cancelled", "{ended}");
    let late = post(stack, "cancel", json!({ "taskRunId": outer }), 409).await?;
    anyhow::ensure!(late["status"] == "completed", "{late}");
    // From above: both.
    let outer = stack.submit("outer", json!({})).await?;
    let inner = nested_of(stack, outer).await?;
    for _ in 0..2 {
        post(stack, "cancel", json!({ "taskRunId": outer.to_string() }), 200).await?;
    }
    for run in [outer, inner] {
        let ended = stack.ended(run, WAIT).await?;
        anyhow::ensure!(ended["status"] == "cancelled", "{ended}");
    }
    post(stack, "cancel", json!({ "taskRunId": 999_999 }), 404).await?;
    post(stack, "cancel", json!({ "taskRunId": "x" }), 400).await?;
    post(stack, "cancel", json!({}), 400).await?;
    Ok(())
}

/// The run that a call of `outer` became, once it sleeps.
async fn nested_of(stack: &Stack, outer: i64) -> anyhow::Result<i64> {
    for _ in 0..500 {
        let (_, found) = stack.get("tasks/runs?task=sleeper&limit=1").await?;
        let newest = &found["data"]["runs"][0];
        if newest["calls"] == 1 && newest["id"].as_i64() > Some(outer) {
            return Ok(newest["id"].as_i64().unwrap_or_default());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    anyhow::bail!("no run below {outer}")
}

async fn a_failed_step_is_done_again(stack: &Stack) -> anyhow::Result<()> {
    let code = "module.exports = async () => { const a = (await __callHostTool__('gapi', 'echo', ['kept'])).echo; \
        const timer = setTimeout(() => {}, 3600000); \
        try { return [a, await __callHostTool__('tasks', 'execute', ['comes-later', {}])]; } \
        finally { clearTimeout(timer); } };";
    let failed = stack.run("depends", code, json!({})).await?;
    let run = failed["id"].as_i64().unwrap_or_default();
    anyhow::ensure!(failed["status"] == "failed" && failed["error"]["status"] == 404, "{failed}");
    stack.publish("comes-later", "module.exports = async () => 'now';").await?;
    post(stack, "retry", json!({ "taskRunId": run }), 200).await?;
    let ended = stack.ended(run, WAIT).await?;
    anyhow::ensure!(ended["result"] == json!(["kept", "now"]), "{ended}");
    anyhow::ensure!(ended["error"].is_null() && ended["calls"] == 3, "{ended}");
    let again = post(stack, "retry", json!({ "taskRunId": run }), 409).await?;
    anyhow::ensure!(again["status"] == "completed", "{again}");
    Ok(())
}

async fn fixed_code_goes_on(stack: &Stack) -> anyhow::Result<()> {
    let code = |last: &str| {
        format!(
            "module.exports = async () => {{ const r = await __callHostTool__('gapi', 'echo', [7]); {last} }};"
        )
    };
    let failed = stack.run("buggy", &code("return r.nothing.there;"), json!({})).await?;
    let run = failed["id"].as_i64().unwrap_or_default();
    anyhow::ensure!(failed["error"]["name"] == "TypeError", "{failed}");
    // The same code fails the same way; the fixed one goes on from the recorded result.
    post(stack, "retry", json!({ "taskRunId": run }), 200).await?;
    anyhow::ensure!(stack.ended(run, WAIT).await?["status"] == "failed");
    stack.publish("buggy", &code("return r.echo;")).await?;
    post(stack, "retry", json!({ "taskRunId": run, "newestCode": true }), 200).await?;
    let ended = stack.ended(run, WAIT).await?;
    anyhow::ensure!(ended["result"] == 7 && ended["calls"] == 1, "{ended}");
    Ok(())
}

async fn out_of_time(stack: &Stack) -> anyhow::Result<()> {
    let body = json!({ "task_identifier": "sleeper", "input": {}, "timeoutMs": 400 });
    let answer = post(stack, "execute", body, 200).await?;
    let run = answer["data"]["result"]["taskRunId"].as_i64().unwrap_or_default();
    let ended = stack.ended(run, Duration::from_secs(10)).await?;
    anyhow::ensure!(ended["error"]["name"] == "RunTimeout", "{ended}");
    let odd = json!({ "task_identifier": "sleeper", "timeoutMs": -1 });
    let refused = post(stack, "execute", odd, 400).await?;
    anyhow::ensure!(refused["error"].as_str().is_some_and(|e| e.contains("timeoutMs")));
    Ok(())
}

async fn one_key_one_run(stack: &Stack) -> anyhow::Result<()> {
    let body = |n: i64| json!({ "task_identifier": "many", "input": { "n": n }, "idempotencyKey": "order-7" });
    let id = |answer: &Value| answer["data"]["result"]["taskRunId"].clone();
    let first = post(stack, "execute", body(2), 200).await?;
    let again = post(stack, "execute", body(2), 200).await?;
    anyhow::ensure!(id(&first).is_i64() && id(&first) == id(&again), "{first} {again}");
    post(stack, "execute", body(3), 422).await?;
    Ok(())
}

/// The processor dies after it may have sent a call that must not be repeated.
async fn a_person_decides(stack: &mut Stack, database: &str) -> anyhow::Result<()> {
    const PROCESSOR: &str = "simple-stack-processor";
    let store = tasker_store::connect(database).await?;
    let processor = stack.processes.iter_mut().find(|p| p.name == PROCESSOR);
    processor.map(tasker_testkit::process::Process::kill).unwrap_or_default();
    let code = "module.exports = async () => [await __callHostTool__('gapi', 'gmail.users.messages.send', [{}])];";
    let body = json!({ "taskName": "mail", "taskCode": code, "taskInput": {} });
    let (status, answer) = stack.post("deno-executor", &body).await?;
    anyhow::ensure!(status == 200, "{answer}");
    let suspended = &answer["result"];
    let call = suspended["stackRunId"].as_i64().unwrap_or_default();
    let run: i64 = suspended["taskRunId"].as_str().unwrap_or_default().parse()?;
    let taken = store.claim_row(StackRunId(call), "processor-0").await?;
    anyhow::ensure!(taken.is_some(), "the call is ready");
    stack.kill_and_restart(PROCESSOR).await?;
    for tries in 0.. {
        if row(stack, run).await?["status"] == "needs_attention" {
            break;
        }
        anyhow::ensure!(tries < 500, "{}", row(stack, run).await?);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (_, waiting) = stack.get("tasks/attention").await?;
    let waiting = &waiting["data"]["calls"];
    anyhow::ensure!(
        waiting[0]["stackRunId"] == call && waiting[0]["taskRunId"] == run,
        "{waiting}"
    );
    post(stack, "resolve", json!({ "stackRunId": call, "resolution": "completed" }), 400).await?;
    post(stack, "resolve", json!({ "stackRunId": call, "resolution": "maybe" }), 400).await?;
    let sent = json!({ "stackRunId": call, "resolution": "completed", "result": { "id": "m1" } });
    post(stack, "resolve", sent.clone(), 200).await?;
    let ended = stack.ended(run, WAIT).await?;
    anyhow::ensure!(ended["result"] == json!([{ "id": "m1" }]), "{ended}");
    post(stack, "resolve", sent, 409).await?;
    Ok(())
}
