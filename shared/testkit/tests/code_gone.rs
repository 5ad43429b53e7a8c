//! A run whose code somebody deleted ends, and says so.

use std::time::Duration;

use serde_json::json;
use tasker_testkit::{
    pg,
    stack::{Shape, Stack},
};

const SLEEPS: &str = "module.exports = async () => { \
    await __callHostTool__('gapi', 'echo', [1]); await new Promise((r) => setTimeout(r, 3000)); };";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_its_code_fails() {
    let server = pg::Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("code-gone");
    let shape = Shape::Six(database.url().to_owned());
    let mut stack = Stack::start(shape, &dir, &[]).await.unwrap();
    stack.publish("sleeps", SLEEPS).await.unwrap();
    let run = stack.submit("sleeps", json!({})).await.unwrap();
    let (sql, connection) =
        tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let asleep = "select from stack_runs where kind = 'timer'";
    while sql.query(asleep, &[]).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    sql.execute("delete from task_function_versions", &[]).await.unwrap();
    // Its isolate is gone too.
    stack.kill_and_restart("deno-executor").await.unwrap();
    let row = stack.ended(run, Duration::from_secs(60)).await.unwrap();
    let seen = (&row["status"], &row["error"]["name"]);
    assert_eq!(seen, (&json!("failed"), &json!("CodeGone")), "{row}\n{}", stack.logs());
    let said = row["error"]["message"].as_str().unwrap_or_default();
    assert!(said.contains("publish the task again"), "{said}");
}
