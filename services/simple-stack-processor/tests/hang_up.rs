//! Whoever triggers a processor may hang up at any moment, as a trigger does that waits too long.

use std::{collections::HashMap, time::Duration};

use axum::{Router, routing::post};
use serde_json::{Value, json};
use simple_stack_processor::{ProcessorArgs, State, router};
use tasker_core::json as raw;
use tasker_http::{Peers, bind, mount, serve};
use tasker_store::NewRun;
use tasker_testkit::pg::Server;
use tokio::sync::mpsc;

const NAME: &str = "simple-stack-processor";

/// Serves `routes` on a port of its own; answers its address.
async fn served(routes: impl FnOnce(String) -> Router) -> String {
    let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = routes(url.clone());
    tokio::spawn(async move { serve(listener, routes, std::future::pending()).await });
    url
}

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
    tasker_http::install_crypto();
    let server = Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let store = tasker_store::connect(database.url()).await.unwrap();
    let (executor, mut asked) = executor().await;
    let args = ProcessorArgs {
        slot: "p".into(),
        concurrency: 1,
        call_timeout_ms: 1_000,
        result_bytes: 1_000,
    };
    let mounted = |url: String| {
        let own = HashMap::from([
            (NAME.to_owned(), format!("{url}/{NAME}")),
            ("deno-executor".to_owned(), executor),
        ]);
        let peers = Peers::at(&url, own, None).unwrap();
        mount(NAME, router(State::new(store.clone(), peers, &args)))
    };
    let url = format!("{}/{NAME}", served(mounted).await);
    let trigger = |patience: u64| {
        let request = reqwest::Client::new().post(&url).json(&json!({ "trigger": "process-next" }));
        request.timeout(Duration::from_millis(patience)).send()
    };

    store.publish("t", "1", None).await.unwrap();
    let new = NewRun { name: "t".into(), input: raw::null(), code: None, parent: None };
    let run = store.submit(&new).await.unwrap();
    let (blocker, connection) =
        tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let lock = "begin; lock table stack_runs in access exclusive mode";
    blocker.batch_execute(lock).await.unwrap();
    assert!(trigger(300).await.unwrap_err().is_timeout());
    blocker.batch_execute("rollback").await.unwrap();

    // The row that was leased then is worked on, by nobody's further doing.
    let heard = tokio::time::timeout(Duration::from_secs(5), asked.recv()).await;
    let heard = heard.expect("the executor hears of the run").unwrap();
    assert_eq!(heard["stackRunId"], json!(run.root_id));
    // And the one slot is free again.
    for _ in 0..50 {
        let found: Value = trigger(5_000).await.unwrap().json().await.unwrap();
        if found["reason"] == "no_pending" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the slot is still taken");
}
