//! The database goes away between a call and its outcome.

use std::{sync::Arc, time::Duration};

use axum::{Router, routing::post};
use http::StatusCode;
use serde_json::json;
use tasker_core::{HostCall, Status, json as raw};
use tasker_store::{Advance, Ask};
use tasker_testkit::pg::Server;

use crate::common::{BLOCK, blocker, processor, served, submitted, trigger};

#[tokio::test]
async fn an_outcome_is_kept_until_it_can_be_recorded() {
    let server = Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let store = tasker_store::connect(database.url()).await.unwrap();
    let run = submitted(&store).await;
    let root = store.claim("q").await.unwrap().unwrap().row.lease;
    // Must not be repeated: without its outcome it would wait for a person.
    let send = HostCall::new("wrappedgapi", "gmail.users.messages.send", raw::of(&[1]));
    let first = Advance {
        root_id: run.root_id,
        by: root,
        delivered: None,
        deliveries: 0,
        calls: 0,
        made_at: None,
        asked: vec![Ask::Call(send)],
        cleared: vec![],
        end: None,
        keep: None,
        logs: vec![],
        executor: None,
    };
    let call = store.advance(&first).await.unwrap().made[0];

    let blocker = Arc::new(blocker(database.url()).await);
    let taken = blocker.clone();
    let service = async move || {
        taken.batch_execute(BLOCK).await.unwrap();
        axum::Json(json!({ "id": "sent" }))
    };
    let service = served(|_| Router::new().route("/", post(service))).await;
    let away = served(|_| Router::new().fallback(async || StatusCode::SERVICE_UNAVAILABLE)).await;
    let services = [("wrappedgapi", service.as_str()), ("deno-executor", away.as_str())];
    let processor = processor(&store, &services).await;
    assert!(trigger(&processor).send().await.unwrap().status().is_success());
    // Longer than a statement waits for its lock, shorter than the lease.
    tokio::time::sleep(Duration::from_secs(3)).await;
    blocker.batch_execute("rollback").await.unwrap();

    for _ in 0..50 {
        let row = store.stack_run(call).await.unwrap().unwrap();
        if row.status == Status::Completed {
            assert_eq!(row.result.unwrap().get(), r#"{"id":"sent"}"#);
            assert_eq!(row.attempt, 1);
            return;
        }
        assert_eq!(row.status, Status::Processing);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the outcome was thrown away");
}
