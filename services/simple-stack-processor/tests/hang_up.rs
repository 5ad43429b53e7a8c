//! Whoever triggers a processor may hang up at any moment, as a trigger does that waits too long.

use std::time::Duration;

use axum::{Router, routing::post};
use serde_json::{Value, json};
use tasker_testkit::pg::Server;
use tokio::sync::mpsc;

use crate::common::{BLOCK, blocker, processor, served, submitted, trigger};

/// An executor that notes what it is asked and says that the run has ended.
async fn executor() -> (String, mpsc::UnboundedReceiver<Value>) {
    let (tell, asked) = mpsc::unbounded_channel();
    let note = move |axum::Json(body): axum::Json<Value>| {
        let _ = tell.send(body);
        async { axum::Json(json!({ "tasker": { "finished": true } })) }
    };
    (served(|_| Router::new().route("/", post(note))).await, asked)
}

#[tokio::test]
async fn a_claim_goes_on_and_its_slot_comes_back() {
    let server = Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let store = tasker_store::connect(database.url()).await.unwrap();
    let (executor, mut asked) = executor().await;
    let processor = processor(&store, &[("deno-executor", &executor)]).await;
    let run = submitted(&store).await;
    let blocker = blocker(database.url()).await;
    blocker.batch_execute(BLOCK).await.unwrap();
    let hung_up = trigger(&processor).timeout(Duration::from_millis(300)).send().await;
    assert!(hung_up.unwrap_err().is_timeout());
    blocker.batch_execute("rollback").await.unwrap();

    // The row that was leased then is worked on, by nobody's further doing.
    let heard = tokio::time::timeout(Duration::from_secs(5), asked.recv()).await;
    let heard = heard.expect("the executor hears of the run").unwrap();
    assert_eq!(heard["stackRunId"], json!(run.root_id));
    // And the one slot is free again.
    for _ in 0..50 {
        let found: Value = trigger(&processor).send().await.unwrap().json().await.unwrap();
        if found["reason"] == "no_pending" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the slot is still taken");
}
