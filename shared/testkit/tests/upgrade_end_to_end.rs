//! Open runs that go on on newer code, on the real processes: accepted, refused with the call that
//! differs, and while a step is under way. One process on SQLite, and six on Postgres.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use tasker_testkit::{
    pg,
    process::bin_dir,
    stack::{Shape, Stack},
};
use tokio::sync::Semaphore;

const WAIT: Duration = Duration::from_secs(60);

/// A service that answers when it is let.
#[derive(Clone)]
struct Slow {
    asked: Arc<AtomicU32>,
    may: Arc<Semaphore>,
}

impl Slow {
    async fn serve() -> (Self, String) {
        let slow = Self { asked: Arc::default(), may: Arc::new(Semaphore::new(0)) };
        let it = slow.clone();
        let answer = move || async move {
            let n = it.asked.fetch_add(1, Ordering::SeqCst);
            it.may.acquire().await.unwrap().forget();
            Json(json!({ "n": n }))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/", post(answer));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (slow, url)
    }

    async fn asked(&self, times: u32) {
        while self.asked.load(Ordering::SeqCst) < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn folder(name: &str) -> std::path::PathBuf {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("upgrade-{name}"));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_in_one_process() {
    let (slow, url) = Slow::serve().await;
    let env = [("TASKER_SERVICES".to_owned(), format!("wrappedslow={url}"))];
    let stack = Stack::start(Shape::One, &folder("one"), &env).await.unwrap();
    all(&stack, &slow).await.unwrap_or_else(|e| panic!("{e:#}\n{}", stack.logs()));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_in_six_processes() {
    let server = pg::Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let (slow, url) = Slow::serve().await;
    let env = [("TASKER_SERVICES".to_owned(), format!("wrappedslow={url}"))];
    let shape = Shape::Six(database.url().to_owned());
    let stack = Stack::start(shape, &folder("six"), &env).await.unwrap();
    all(&stack, &slow).await.unwrap_or_else(|e| panic!("{e:#}\n{}", stack.logs()));
    let store = tasker_store::connect(database.url()).await.unwrap();
    assert_eq!(store.check_invariants().await.unwrap(), Vec::<String>::new());
}

async fn all(stack: &Stack, slow: &Slow) -> anyhow::Result<()> {
    while_a_step_is_under_way(stack, slow).await?;
    refused(stack, slow).await?;
    while_it_runs_fast(stack).await?;
    by_task(stack).await
}

async fn upgrade(stack: &Stack, body: Value) -> anyhow::Result<(u16, Value)> {
    stack.post("tasks/upgrade", &body).await
}

fn two_calls(first: &str, says: &str) -> String {
    format!(
        "module.exports = async () => {{ const a = (await __callHostTool__('gapi', 'echo', [{first}])).echo; \
         const b = await __callHostTool__('slow', 'get', []); return ['{says}', a, b.n]; }};"
    )
}

/// A call is being made, its isolate of the old code is parked: the outcome goes to the new code.
async fn while_a_step_is_under_way(stack: &Stack, slow: &Slow) -> anyhow::Result<()> {
    stack.publish("two", &two_calls("1", "old")).await?;
    let run = stack.submit("two", json!({})).await?;
    let kept = stack.submit("two", json!({})).await?;
    slow.asked(2).await;
    stack.publish("two", &two_calls("1", "new")).await?;
    let dry = upgrade(stack, json!({ "taskRunId": run, "dryRun": true })).await?;
    anyhow::ensure!(dry.0 == 200 && dry.1["data"]["status"] == "matches", "{dry:?}");
    let moved = upgrade(stack, json!({ "taskRunId": run })).await?;
    anyhow::ensure!(moved.0 == 200 && moved.1["data"]["status"] == "moved", "{moved:?}");
    anyhow::ensure!(moved.1["data"]["calls"] == 2, "{moved:?}");
    let again = upgrade(stack, json!({ "taskRunId": run.to_string() })).await?;
    anyhow::ensure!(again.1["data"]["status"] == "current", "{again:?}");
    slow.may.add_permits(2);
    let row = stack.ended(run, WAIT).await?;
    anyhow::ensure!(row["result"][0] == "new" && row["version"] == 2, "{row}");
    // The twin that was not moved ends on the code that it began with.
    let twin = stack.ended(kept, WAIT).await?;
    anyhow::ensure!(twin["result"][0] == "old" && twin["version"] == 1, "{twin}");
    anyhow::ensure!(slow.asked.load(Ordering::SeqCst) == 2, "each call was made once");
    let late = upgrade(stack, json!({ "taskRunId": run })).await?;
    anyhow::ensure!(late.0 == 409 && late.1["status"] == "completed", "{late:?}");
    Ok(())
}

/// Other calls, fewer calls, code that fails: nothing is changed, and the call is named.
async fn refused(stack: &Stack, slow: &Slow) -> anyhow::Result<()> {
    stack.publish("two", &two_calls("1", "old")).await?;
    let run = stack.submit("two", json!({})).await?;
    let before = slow.asked.load(Ordering::SeqCst);
    slow.asked(before + 1).await;
    let was = stack.get(&format!("tasks/status/{run}?stack_runs=0")).await?.1["version"].clone();
    stack.publish("two", &two_calls("2", "new")).await?;
    let (status, said) = upgrade(stack, json!({ "taskRunId": run })).await?;
    let differs = &said["data"]["error"]["details"];
    anyhow::ensure!(status == 200 && said["data"]["status"] == "refused", "{said}");
    anyhow::ensure!(
        differs["call"] == 0 && differs["recorded"] == "wrappedgapi.echo([1])",
        "{said}"
    );
    anyhow::ensure!(differs["asked"] == "wrappedgapi.echo([2])", "{said}");
    stack.publish("two", "module.exports = async () => 1;").await?;
    let (_, said) = upgrade(stack, json!({ "taskRunId": run })).await?;
    let message = said["data"]["message"].as_str().unwrap_or_default();
    anyhow::ensure!(
        message.contains("call 0 differs") && message.contains("makes no such call"),
        "{said}"
    );
    stack.publish("two", "module.exports = async () => { throw new TypeError('no'); };").await?;
    let (_, said) = upgrade(stack, json!({ "taskRunId": run })).await?;
    let message = said["data"]["message"].as_str().unwrap_or_default();
    anyhow::ensure!(message.contains("call 0 differs") || message.contains("TypeError"), "{said}");

    // On the command line: the same words, and exit code 1.
    let said = std::process::Command::new(bin_dir()?.join("tasker"))
        .args(["--functions-url", &stack.url, "upgrade", &run.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    anyhow::ensure!(said.status.code() == Some(1), "{text}");
    anyhow::ensure!(text.starts_with(&format!("run {run} stays on version {was}: ")), "{text}");

    let row = stack.get(&format!("tasks/status/{run}?stack_runs=0")).await?.1;
    anyhow::ensure!(row["version"] == was && row["status"] == "processing", "{row}");
    slow.may.add_permits(1);
    let row = stack.ended(run, WAIT).await?;
    anyhow::ensure!(row["result"][0] == "old" && row["calls"] == 2, "{row}");

    let own = json!({ "taskName": "own", "taskCode": "module.exports = () => new Promise((r) => setTimeout(r, 99999));" });
    let (_, made) = stack.post("deno-executor", &own).await?;
    let id = made["result"]["taskRunId"].clone();
    anyhow::ensure!(upgrade(stack, json!({ "taskRunId": id })).await?.0 == 409);
    for (body, status) in [
        (json!({}), 400),
        (json!({ "taskRunId": 999_999 }), 404),
        (json!({ "task_identifier": "nobody" }), 404),
        (json!({ "task_identifier": "two", "taskRunId": 1 }), 400),
    ] {
        let answer = upgrade(stack, body.clone()).await?;
        anyhow::ensure!(answer.0 == status, "{body}: {answer:?}");
    }
    Ok(())
}

/// A run that makes call after call is moved between two of them, or not at all; it loses nothing.
async fn while_it_runs_fast(stack: &Stack) -> anyhow::Result<()> {
    let code = |says: &str| {
        format!(
            "module.exports = async ({{ n }}) => {{ const all = []; for (let i = 0; i < n; i++) \
             all.push((await __callHostTool__('gapi', 'echo', [i])).echo); return ['{says}', all]; }};"
        )
    };
    stack.publish("fast", &code("v1")).await?;
    let n = 600;
    let run = stack.submit("fast", json!({ "n": n })).await?;
    let row = format!("tasks/status/{run}?stack_runs=0");
    while stack.get(&row).await?.1["calls"].as_i64() < Some(20) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Made to stand still between two calls, it is moved.
    stack.post("tasks/pause", &json!({ "taskRunId": run })).await?;
    stack.publish("fast", &code("v2")).await?;
    let (status, said) = upgrade(stack, json!({ "taskRunId": run })).await?;
    anyhow::ensure!(status == 200 && said["data"]["status"] == "moved", "{said}");
    stack.post("tasks/resume", &json!({ "taskRunId": run })).await?;
    // While it runs, it is moved or not, as it happens.
    stack.publish("fast", &code("v3")).await?;
    let (status, said) = upgrade(stack, json!({ "taskRunId": run })).await?;
    let word = said["data"]["status"].as_str().or_else(|| said["status"].as_str());
    let good = matches!((status, word), (200, Some("moved")) | (409, Some("busy" | "completed")));
    anyhow::ensure!(good, "{status} {said}");
    let row = stack.ended(run, WAIT).await?;
    anyhow::ensure!(row["version"].as_i64() >= Some(2), "{row}");
    let expected: Vec<u32> = (0..n).collect();
    anyhow::ensure!(row["result"][1] == json!(expected) && row["calls"] == n, "{row}");
    let pinned = format!("v{}", row["version"]);
    anyhow::ensure!(row["result"][0] == *pinned, "it ended on the code it is pinned to: {row}");
    Ok(())
}

/// All open runs of a task; a paused one is moved and stays paused.
async fn by_task(stack: &Stack) -> anyhow::Result<()> {
    let code = |says: &str| {
        format!(
            "module.exports = async () => {{ await new Promise((r) => setTimeout(r, 3600000)); return '{says}'; }};"
        )
    };
    stack.publish("sleepers", &code("v1")).await?;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(stack.submit("sleepers", json!({})).await?);
    }
    for run in &runs {
        while stack.get(&format!("tasks/status/{run}?stack_runs=0")).await?.1["calls"] != 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    stack.post("tasks/pause", &json!({ "taskRunId": runs[0] })).await?;
    stack.publish("sleepers", &code("v2")).await?;
    let (status, said) = upgrade(stack, json!({ "task_identifier": "sleepers" })).await?;
    let each = said["data"]["runs"].as_array().cloned().unwrap_or_default();
    anyhow::ensure!(status == 200 && each.len() == 3, "{said}");
    anyhow::ensure!(each.iter().all(|r| r["status"] == "moved"), "{said}");
    let paused = stack.get(&format!("tasks/status/{}?stack_runs=0", runs[0])).await?.1;
    anyhow::ensure!(paused["paused"] == true && paused["version"] == 2, "{paused}");
    for run in runs {
        stack.post("tasks/cancel", &json!({ "taskRunId": run })).await?;
    }
    Ok(())
}
