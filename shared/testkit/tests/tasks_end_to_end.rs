//! Task code from publish to result, on the real processes: one on SQLite, and six on Postgres.

use crate::cases;

use std::time::Duration;

use serde_json::{Value, json};
use tasker_testkit::{
    pg,
    stack::{Shape, Stack},
};

/// Limits small enough that breaking them takes no time.
fn limits() -> Vec<(String, String)> {
    [("TASKER_TURN_MS", "1000"), ("TASKER_HEAP_BYTES", "67108864"), ("RUST_LOG", "info")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .to_vec()
}

fn folder(name: &str) -> std::path::PathBuf {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_in_one_process() {
    let stack = Stack::start(Shape::One, &folder("one"), &limits()).await.unwrap();
    cases::all(&stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_in_six_processes() {
    let server = pg::Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let shape = Shape::Six(database.url().to_owned());
    let stack = Stack::start(shape, &folder("six"), &limits()).await.unwrap();
    cases::all(&stack).await;
}

/// Its result holds every call's result, so a lost, repeated or swapped one shows.
const MANY_CALLS: &str = "module.exports = async ({ n }) => { const all = []; \
    for (let i = 0; i < n; i++) { \
        const r = await __callHostTool__('gapi', 'test.getStepData', [{ stepNumber: i, timestamp: 7 }]); \
        all.push([i, r.stepNumber, r.testData]); } \
    return all; };";

/// A run killed at random calls ends with the result of an undisturbed one.
async fn survives(mut stack: Stack) -> anyhow::Result<()> {
    stack.publish("many", MANY_CALLS).await?;
    let n = 150;
    let calm = stack.submit("many", json!({ "n": n })).await?;
    let calm = stack.ended(calm, Duration::from_secs(60)).await?;
    let run = stack.submit("many", json!({ "n": n })).await?;
    for victim in ["deno-executor", "simple-stack-processor", "all"] {
        wait_for_calls(&stack, run, 20).await;
        if victim == "all" {
            stack.kill_all_and_restart().await?;
        } else {
            stack.kill_and_restart(victim).await?;
        }
    }
    let row = stack.ended(run, Duration::from_secs(90)).await?;
    assert_eq!(row["status"], "completed", "{row}\n{}", stack.logs());
    assert_eq!(row["result"].to_string(), calm["result"].to_string());
    assert_eq!(row["result"].as_array().map(Vec::len), Some(n));
    assert_eq!(row["calls"], json!(n));
    Ok(())
}

/// Waits until the run has made `more` calls than now (or has ended).
async fn wait_for_calls(stack: &Stack, run: i64, more: i64) {
    let calls = async || -> (i64, Value) {
        let row = stack.get(&format!("tasks/status/{run}?stack_runs=0")).await;
        row.map_or((0, Value::Null), |(_, r)| {
            (r["calls"].as_i64().unwrap_or(0), r["ended_at"].clone())
        })
    };
    let (before, _) = calls().await;
    loop {
        let (now, ended) = calls().await;
        if now >= before + more || !ended.is_null() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_on_sqlite_loses_nothing() {
    survives(Stack::start(Shape::One, &folder("kill-one"), &limits()).await.unwrap())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_on_postgres_loses_nothing() {
    let server = pg::Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let shape = Shape::Six(database.url().to_owned());
    survives(Stack::start(shape, &folder("kill-six"), &limits()).await.unwrap()).await.unwrap();
}
