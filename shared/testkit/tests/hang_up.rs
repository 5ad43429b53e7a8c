//! Whoever asks for code to be run may hang up in the middle.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use tasker_testkit::{
    peaks::below,
    stack::{Shape, Stack},
};

/// Nothing but the end of its process stops it.
const HANGS: &str =
    "module.exports = async () => Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);";

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_ended_though_nobody_waits_for_it() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hang-{}", std::process::id()));
    let env = [("TASKER_TURN_MS", "1000")];
    let env = env.map(|(k, v)| (k.to_owned(), v.to_owned()));
    let stack = Stack::start(Shape::One, &dir, &env).await.unwrap();
    let code = "module.exports = async () => 'works';";
    let row = stack.run("works", code, json!({})).await.unwrap();
    assert_eq!(row["result"], "works", "{row}\n{}", stack.logs());
    // The template of workers stays, and nothing else.
    let started = || below(stack.processes[0].id()).len();
    until(|| started() == 1).await;

    let body = json!({ "taskName": "hangs", "taskCode": HANGS });
    let executor = format!("{}/deno-executor", stack.url);
    let hung_up = reqwest::Client::new().post(executor).json(&body);
    let hung_up = hung_up.timeout(Duration::from_millis(500)).send().await;
    assert!(hung_up.unwrap_err().is_timeout());
    assert_eq!(started(), 2, "it still works");

    until(|| started() == 1).await;
}

async fn until(so: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < limit, "a worker is left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
