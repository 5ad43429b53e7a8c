//! What goes to a Supabase project, with which key, how often, and what never goes there.

use crate::common;

use std::time::Duration;

use axum::{body::Body, response::Response};
use common::{
    AT, chain, mounted,
    recorder::{Recorded, Recorder, answer},
    request, run, send,
};
use http::Request;
use serde_json::json;
use wrappedsupabase::{Forward, State};

async fn project(url: &str) -> axum::Router {
    let store = tasker_store::connect("sqlite::memory:").await.unwrap();
    let anon = Some("anon-key".to_owned());
    let forward = Forward::at(url, "service-key".into(), anon, Duration::from_millis(1)).unwrap();
    mounted(State::new(store).forwarding(forward))
}

fn shaky(_: &Recorded, before: usize) -> Response {
    if before < 2 {
        answer(if before == 0 { 503 } else { 520 }, &[("retry-after", "0")], "busy")
    } else {
        answer(200, &[], r#"[{"id":1}]"#)
    }
}

fn busy(_: &Recorded, _: usize) -> Response {
    answer(503, &[("retry-after", "0")], r#"{"code":"PGRST001","message":"no database"}"#)
}

fn empty(_: &Recorded, _: usize) -> Response {
    answer(200, &[], "[]")
}

#[tokio::test]
async fn reads_are_repeated_and_writes_are_not() {
    let recorder = Recorder::start(shaky).await;
    let app = project(&recorder.url).await;
    let result = run(&app, &json!([["from", "t"], ["select"]])).await;
    assert_eq!((&result["data"], &result["status"]), (&json!([{"id": 1}]), &json!(200)));
    let counts: Vec<_> = recorder
        .take()
        .iter()
        .map(|r| r.headers.get("x-retry-count").map(|c| c.to_str().unwrap().to_owned()))
        .collect();
    assert_eq!(counts, [None, Some("1".into()), Some("2".into())]);

    let recorder = Recorder::start(busy).await;
    let app = project(&recorder.url).await;
    let insert = chain(&json!([["from", "t"], ["insert", {"a": 1}]])).to_string();
    let answer = request(&app, "POST", AT, &insert).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["error"]["code"].as_str()),
        (503, Some("PGRST001"))
    );
    assert!(answer.headers.contains_key("retry-after"), "whoever called may try again");
    assert_eq!(recorder.take().len(), 1);
    let read = chain(&json!([["from", "t"], ["select"]])).to_string();
    assert_eq!(request(&app, "POST", AT, &read).await.status, 503);
    assert_eq!(recorder.take().len(), 4);
    let once = chain(&json!([["from", "t"], ["select"], ["retry", false]])).to_string();
    assert_eq!(request(&app, "POST", AT, &once).await.status, 503);
    assert_eq!(recorder.take().len(), 1);
}

#[tokio::test]
async fn a_write_without_an_answer_is_not_called_safe_to_repeat() {
    // Nobody listens: nothing was sent.
    let app = project("http://127.0.0.1:1").await;
    let insert = chain(&json!([["from", "t"], ["insert", {"a": 1}]])).to_string();
    let refused = request(&app, "POST", AT, &insert).await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.json()["status"], 0);
    // The connection ends after the request was read.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::AsyncReadExt as _;
            let _ = stream.read(&mut [0; 4096]).await;
        }
    });
    let app = project(&url).await;
    assert_eq!(request(&app, "POST", AT, &insert).await.status, 502);
    let read = chain(&json!([["from", "t"], ["select"]])).to_string();
    assert_eq!(request(&app, "POST", AT, &read).await.status, 503);
}

#[tokio::test]
async fn what_is_closed_is_never_sent() {
    let recorder = Recorder::start(empty).await;
    let app = project(&recorder.url).await;
    let id = "11111111-2222-4333-8444-555555555555";
    for links in [
        json!([["from", "keystore"], ["select"]]),
        json!([["from", "orders"], ["select", "*, x:keystore(*)"]]),
        json!([["from", "orders"], ["select", "a(b(...KeyStore(*)))"]]),
        json!([["from", "task_runs"], ["update", {"status": "completed"}]]),
        json!([["from", "task_functions"], ["upsert", {"name": "a", "code": "b"}]]),
        json!([["from", "stack_runs"], ["delete"], ["eq", "id", 1]]),
        json!([["schema", "vault"], ["from", "decrypted_secrets"], ["select"]]),
        json!([["schema", "auth"], ["from", "users"], ["select"]]),
        json!([["rpc", "task_function_bump"]]),
        json!([["from", "../../auth/v1/admin/users"], ["select"]]),
        json!([["from", ".."], ["select"]]),
        json!([["from", "%2e%2e"], ["select"]]),
        json!([["rpc", "a/../../x"]]),
        json!(["auth", "admin", ["getUserById", "../../rest/v1/t"]]),
        json!(["auth", "admin", "oauth", ["getClient", ".."]]),
        json!(["storage", ["getBucket", "../object"]]),
        json!(["storage", ["from", ".."], ["download", "x"]]),
        json!(["storage", ["from", "b"], ["download", "a/../../../auth/v1/admin/users"]]),
        json!(["storage", ["from", "b"], ["upload", "%2E%2e/x", "y"]]),
        json!(["storage", ["from", "b"], ["upload", "x", "y", {"contentType": "a\r\nx: y"}]]),
    ] {
        let result = run(&app, &links).await;
        assert!(!result["error"].is_null(), "{links}: {result}");
        assert!(recorder.take().is_empty(), "{links} was sent");
    }
    // Their like go through.
    for links in [
        json!([["from", "orders"], ["select", "*, items(*)"]]),
        json!([["from", "task_runs"], ["select"]]),
        json!(["auth", "admin", ["getUserById", id]]),
        json!(["storage", ["from", "b"], ["download", "a/.hidden/..x?#%"]]),
    ] {
        run(&app, &links).await;
        assert_eq!(recorder.take().len(), 1, "{links}");
    }
}

#[tokio::test]
async fn headers_of_a_task_do_not_reach_keys() {
    let recorder = Recorder::start(empty).await;
    let app = project(&recorder.url).await;
    let links = json!([
        ["from", "t"],
        ["select"],
        ["setHeader", "Authorization", "Bearer x"],
        ["setHeader", "apikey", "x"],
        ["setHeader", "x-forwarded-for", "1.2.3.4"],
        ["setHeader", "Host", "evil"],
        ["setHeader", "X-Mine", "yes"],
    ]);
    run(&app, &links).await;
    let sent = recorder.take().remove(0);
    assert_eq!(sent.headers["authorization"], "Bearer service-key");
    assert_eq!(sent.headers["apikey"], "service-key");
    assert_eq!(sent.headers["x-mine"], "yes");
    assert!(!sent.headers.contains_key("x-forwarded-for"));
    assert!(recorder.url.ends_with(sent.headers["host"].to_str().unwrap()));
}

/// A user's request carries the user's token, so the project's policies apply.
#[tokio::test]
async fn users_are_forwarded_as_themselves() {
    let recorder = Recorder::start(empty).await;
    let store = tasker_store::connect("sqlite::memory:").await.unwrap();
    let backoff = Duration::from_millis(1);
    let mut args = tasker_http::GateArgs {
        service_role_key: Some("service-key-of-the-project".into()),
        anon_key: Some("anon-key-of-the-project".into()),
        ..tasker_http::GateArgs::default()
    };
    let body = chain(&json!([["from", "t"], ["select"]])).to_string();
    let ask = async |args: &tasker_http::GateArgs| {
        let gate = tasker_http::Gate::new(args, [127, 0, 0, 1].into()).unwrap();
        let anon = Some("anon-key-of-the-project".to_owned());
        let forward = Forward::at(&recorder.url, "service".into(), anon, backoff).unwrap();
        let state = State::new(store.clone()).forwarding(forward);
        let routes = tasker_http::mount("wrappedsupabase", wrappedsupabase::router(state));
        let app = tasker_http::with_gate(routes, gate);
        let request = Request::post(AT).header("apikey", "anon-key-of-the-project");
        send(&app, request.body(Body::from(body.clone())).unwrap()).await.status.as_u16()
    };
    assert_eq!(ask(&args).await, 403, "closed to clients unless a setting opens it");
    assert!(recorder.take().is_empty());
    args.supabase_clients = true;
    assert_eq!(ask(&args).await, 200);
    let sent = recorder.take().remove(0);
    assert_eq!(sent.headers["authorization"], "Bearer anon-key-of-the-project");
    assert_eq!(sent.headers["apikey"], "anon-key-of-the-project");
}
