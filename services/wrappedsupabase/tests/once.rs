//! Requests that come again under their key: on both databases, and through a Supabase project.

use std::time::Duration;

use crate::common::{
    AT, Answer, chain, fill, lite, mounted, over,
    recorder::{Recorded, Recorder, answer},
    run, send,
};
use axum::{Router, body::Body, response::Response};
use http::Request;
use serde_json::{Value, json};
use tasker_testkit::pg::Server;
use wrappedsupabase::{Forward, State};

async fn keyed(app: &Router, key: &str, links: &Value) -> Answer {
    let request = Request::post(AT).header("Idempotency-Key", key);
    send(app, request.body(Body::from(chain(links).to_string())).unwrap()).await
}

async fn teams(app: &Router) -> u64 {
    let all = json!([["from", "teams"], ["select", "*", { "count": "exact", "head": true }]]);
    run(app, &all).await["count"].as_u64().unwrap()
}

/// What holds on both databases. The shop has two teams.
async fn a_change_happens_once(app: &Router) {
    let add = json!([["from", "teams"], ["insert", { "id": 7, "name": "green" }], ["select"], ["single"]]);
    let first = keyed(app, "k1", &add).await;
    assert_eq!((first.status.as_u16(), &first.json()["status"]), (200, &json!(201)));
    let again = keyed(app, "k1", &add).await;
    assert_eq!((again.status, again.text), (first.status, first.text));
    // Its twin: without a key, and under another one, the database itself has something against it.
    for other in [run(app, &add).await, keyed(app, "k2", &add).await.json()] {
        assert_eq!(other["error"]["code"], "23505", "{other}");
    }
    assert_eq!(teams(app).await, 3);

    let rename =
        json!([["from", "teams"], ["update", { "name": "blue" }], ["gt", "id", 6], ["select"]]);
    let renamed = keyed(app, "k3", &rename).await.json();
    run(app, &json!([["from", "teams"], ["delete"], ["eq", "id", 7]])).await;
    assert_eq!(keyed(app, "k3", &rename).await.json(), renamed, "as it was then");
    // The failure above was not remembered: now there is room.
    assert_eq!(keyed(app, "k2", &add).await.json()["status"], 201);

    let reused = keyed(app, "k1", &rename).await;
    let said = reused.json()["error"].clone();
    assert_eq!((reused.status.as_u16(), &said["code"]), (422, &json!("IDEMPOTENCY_KEY_REUSED")));
    assert!(said["message"].as_str().unwrap().contains("'k1'"), "{said}");
    // Reads are done again.
    let read = json!([["from", "teams"], ["select", "id"], ["order", "id"]]);
    let before = keyed(app, "r", &read).await.json();
    run(app, &json!([["from", "teams"], ["delete"], ["eq", "id", 7]])).await;
    assert_ne!(keyed(app, "r", &read).await.json()["data"], before["data"]);

    let long = "x".repeat(1 << 20);
    let long = json!([["from", "teams"], ["insert", { "id": 8, "name": long }], ["select"]]);
    assert_eq!(keyed(app, "long", &long).await.status, 200);
    let again = keyed(app, "long", &long).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["error"]["code"]),
        (410, &json!("ANSWER_NOT_KEPT"))
    );
    for wrong in ["", &"k".repeat(256)] {
        let refused = keyed(app, wrong, &add).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains("header Idempotency-Key must be"), "{}", refused.text);
    }
    // The answers are no table of task code's.
    let peek = run(app, &json!([["from", "request_answers"], ["select"]])).await;
    assert_eq!(peek["error"]["code"], "42501", "{peek}");
}

#[tokio::test]
async fn on_sqlite() {
    a_change_happens_once(&over(lite().await)).await;
}

#[tokio::test]
async fn on_postgres() {
    let server = Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let store = tasker_store::connect(database.url()).await.unwrap();
    fill(store.as_ref()).await;
    let app = over(store);
    a_change_happens_once(&app).await;
    // A function's changes are remembered too.
    let touch = json!([["rpc", "touch"], ["eq", "id", 1]]);
    let first = keyed(&app, "f", &touch).await.json();
    assert_eq!(first["data"][0]["name"], "red!");
    assert_eq!(keyed(&app, "f", &touch).await.json(), first);
    assert_eq!(run(&app, &touch).await["data"][0]["name"], "red!!");
}

/// The first request of a path is answered late with nothing, others well.
fn gateway_lost_it(_: &Recorded, before: usize) -> Response {
    match before {
        0 => answer(502, &[], "bad gateway"),
        _ => answer(201, &[], r#"[{"id":1}]"#),
    }
}

fn refused_then_done(_: &Recorded, before: usize) -> Response {
    match before {
        0 => answer(409, &[], r#"{"code":"23505","message":"duplicate"}"#),
        1 => answer(503, &[], r#"{"code":"PGRST001","message":"no database"}"#),
        n => answer(201, &[], &json!([{ "id": n }]).to_string()),
    }
}

async fn project(recorder: &Recorder) -> Router {
    let store = tasker_store::connect("sqlite::memory:").await.unwrap();
    let forward = Forward::at(&recorder.url, "key".into(), None, Duration::from_millis(1)).unwrap();
    mounted(State::new(store).forwarding(forward))
}

#[tokio::test]
async fn a_project_is_sent_a_change_once() {
    let add = json!([["from", "t"], ["insert", { "a": 1 }], ["select"]]);
    let recorder = Recorder::start(refused_then_done).await;
    let app = project(&recorder).await;
    // What was refused changed nothing, and is sent again.
    assert_eq!(keyed(&app, "k", &add).await.json()["error"]["code"], "23505");
    assert_eq!(keyed(&app, "k", &add).await.status, 503);
    let done = keyed(&app, "k", &add).await.json();
    assert_eq!((&done["status"], &done["data"]), (&json!(201), &json!([{ "id": 2 }])));
    assert_eq!(keyed(&app, "k", &add).await.json(), done);
    assert_eq!(recorder.take().len(), 3);
    let other = json!([["from", "t"], ["insert", { "a": 2 }], ["select"]]);
    assert_eq!(keyed(&app, "k", &other).await.status, 422);
    assert!(recorder.take().is_empty());
}

#[tokio::test]
async fn a_change_without_an_answer_is_doubted_and_not_sent_again() {
    let add = json!([["from", "t"], ["insert", { "a": 1 }], ["select"]]);
    let recorder = Recorder::start(gateway_lost_it).await;
    let app = project(&recorder).await;
    assert_eq!(keyed(&app, "k", &add).await.status, 502);
    for _ in 0..2 {
        let doubted = keyed(&app, "k", &add).await;
        assert_eq!(doubted.status, 409);
        assert_eq!(doubted.json()["error"]["code"], "UNKNOWN_OUTCOME");
    }
    assert_eq!(recorder.take().len(), 1);
    // Its twin: without a key it goes out as often as it is asked for.
    for _ in 0..2 {
        run(&app, &add).await;
    }
    assert_eq!(recorder.take().len(), 2);
}
