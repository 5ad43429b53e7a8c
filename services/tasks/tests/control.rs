//! Control over runs: what the routes take, answer and refuse.

use crate::common;

use axum::body::Body;
use common::{
    send,
    service::{AT, Service},
};
use http::Request;
use serde_json::{Value, json};
use tasker_core::{HostCall, StackRunId, TaskRunId, json as raw};
use tasker_store::{Advance, Ask, NewRun};

/// A run whose call may have been made: the row of the call.
async fn unsure(s: &Service) -> (i64, i64) {
    let run = s.submit().await;
    let root = s.store.claim("slot").await.unwrap().unwrap().row;
    let call = HostCall::new("wrappedgapi", "a.send", raw::of(&[1]));
    let advance = Advance {
        root_id: root.root_id,
        by: root.lease,
        delivered: None,
        deliveries: 0,
        calls: 0,
        made_at: None,
        asked: vec![Ask::Call(call)],
        cleared: vec![],
        end: None,
        keep: Some("slot".into()),
        logs: vec![],
        executor: None,
    };
    let call = s.store.advance(&advance).await.unwrap().next.unwrap();
    s.store.release_expired(Some("slot")).await.unwrap();
    (run, call.lease.id.0)
}

#[tokio::test]
async fn a_call_that_waits_is_listed_and_settled() {
    let mut s = Service::start().await;
    let (run, call) = unsure(&s).await;
    s.triggered().await;
    let status = s.get(&format!("/status/{run}?stack_runs=0")).await.json();
    assert_eq!(
        (&status["status"], &status["attention_stack_run_id"]),
        (&json!("needs_attention"), &json!(call))
    );
    let listed = s.get("/attention").await.json();
    let first = &listed["data"]["calls"][0];
    assert_eq!(
        (&first["stackRunId"], &first["taskRunId"], &first["args"]),
        (&json!(call), &json!(run), &json!([1]))
    );
    let runs = s.get("/runs?status=needs_attention").await.json();
    assert_eq!(runs["data"]["runs"][0]["id"], run);

    let refused = [
        (json!({}), 400, "'stackRunId' is missing"),
        (json!({ "stackRunId": "x" }), 400, "whole number"),
        (json!({ "stackRunId": call }), 400, "'resolution' must be"),
        (json!({ "stackRunId": call, "resolution": "completed" }), 400, "'result' is missing"),
        (json!({ "stackRunId": call, "resolution": "failed", "error": 7 }), 400, "'error'"),
        (json!({ "stackRunId": call, "resolution": "failed", "error": {} }), 400, "'message'"),
        (json!({ "stackRunId": 99_999, "resolution": "retry" }), 404, "not found"),
        (json!({ "stackRunId": call - 1, "resolution": "retry" }), 409, "wait for a person"),
    ];
    for (body, status, says) in refused {
        let answer = s.post("/resolve", &body.to_string()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        let value = answer.json();
        assert_eq!(value["success"], false);
        assert!(value["error"].as_str().unwrap().contains(says), "{body}: {value}");
    }
    let odd = r#"{ "b": 1.0, "a": "\u0000" }"#;
    let body = format!(r#"{{"stackRunId":"{call}","resolution":"completed","result":{odd}}}"#);
    let answer = s.post("/resolve", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(s.triggered().await, json!({"trigger": "process-next"}));
    let row = s.store.stack_run(StackRunId(call)).await.unwrap().unwrap();
    assert_eq!(row.result.unwrap().get(), odd, "byte for byte");
    assert_eq!(s.post("/resolve", &body).await.status, 409);
    assert_eq!(s.get("/attention").await.json()["data"]["calls"], json!([]));
}

#[tokio::test]
async fn a_call_is_failed_by_hand() {
    let s = Service::start().await;
    for (error, name) in [
        (json!("no such mail"), "ResolvedAsFailed"),
        (json!({"name": "Bounced", "message": "full"}), "Bounced"),
        (Value::Null, "ResolvedAsFailed"),
    ] {
        let (_, call) = unsure(&s).await;
        let body = json!({"stackRunId": call, "resolution": "failed", "error": error});
        let answer = s.post("/resolve", &body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let row = s.store.stack_run(StackRunId(call)).await.unwrap().unwrap();
        let stored: Value = serde_json::from_str(row.error.unwrap().get()).unwrap();
        assert_eq!(stored["name"], name);
        s.store.clear_runs().await.unwrap();
    }
}

#[tokio::test]
async fn runs_are_paused_cancelled_and_retried() {
    let s = Service::start().await;
    let run = s.submit().await;
    let body = json!({ "taskRunId": run }).to_string();
    assert_eq!(
        s.post("/pause", &body).await.json()["data"],
        json!({"taskRunId": run, "paused": true})
    );
    assert_eq!(s.get(&format!("/status/{run}")).await.json()["paused"], true);
    assert!(s.store.claim("p").await.unwrap().is_none());
    assert_eq!(s.post("/resume", &body).await.json()["data"]["paused"], false);
    assert_eq!(s.post("/retry", &body).await.status, 409);
    for _ in 0..2 {
        let answer = s.post("/cancel", &body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["data"]["status"]),
            (200, &json!("cancelled"))
        );
    }
    for route in ["/pause", "/resume"] {
        let answer = s.post(route, &body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (409, &json!("cancelled")));
    }
    let row = s.get(&format!("/status/{run}")).await.json();
    assert_eq!((&row["status"], &row["error"]["name"]), (&json!("cancelled"), &json!("Cancelled")));
    let timed = json!({ "taskRunId": run, "timeoutMs": 60_000 }).to_string();
    assert_eq!(s.post("/retry", &timed).await.status, 200);
    assert!(s.get(&format!("/status/{run}")).await.json()["deadline"].is_string());
    for route in ["/pause", "/resume", "/cancel", "/retry"] {
        assert_eq!(s.post(route, r#"{"taskRunId": 4711}"#).await.status, 404, "{route}");
        assert_eq!(s.post(route, "{}").await.status, 400, "{route}");
        assert_eq!(s.get(route).await.status, 405, "{route}");
    }
    assert_eq!(s.post("/retry", r#"{"taskRunId": 1, "newestCode": 1}"#).await.status, 400);
}

async fn execute(s: &Service, key: Option<&str>, body: &str) -> common::Answer {
    let mut request = Request::post(format!("{AT}/execute"));
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    send(&s.app, request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_key_answers_the_same_run() {
    let s = Service::start().await;
    let body = r#"{"task_identifier":"hello","input":{"a":1}}"#;
    let id = |a: common::Answer| a.json()["data"]["result"]["taskRunId"].clone();
    let first = id(execute(&s, Some("k"), body).await);
    assert_eq!(id(execute(&s, Some("k"), body).await), first);
    let said = r#"{"task_identifier":"hello","input":{"a":1},"idempotencyKey":"k"}"#;
    assert_eq!(id(execute(&s, None, said).await), first);
    let bare = r#"{"taskName":"hello","input":{"a":1},"idempotencyKey":"k"}"#;
    assert_eq!(execute(&s, None, bare).await.json()["taskRunId"], first);
    assert_ne!(id(execute(&s, None, body).await), first);
    let other = r#"{"task_identifier":"hello","input":{"a":2}}"#;
    let refused = execute(&s, Some("k"), other).await;
    assert_eq!(refused.status, 422);
    assert!(refused.json()["error"].as_str().unwrap().contains("another input"));
    assert_eq!(execute(&s, Some("j"), said).await.status, 400);
    assert_eq!(execute(&s, Some(&"k".repeat(256)), body).await.status, 400);
}

#[tokio::test]
async fn too_many_open_runs_are_turned_away() {
    let mut s = Service::start().await;
    s.limit(2);
    let (one, _) = (s.submit().await, s.submit().await);
    let full = s.post("/execute", r#"{"task_identifier":"hello"}"#).await;
    assert_eq!((full.status.as_u16(), full.headers["retry-after"].to_str().unwrap()), (429, "5"));
    assert!(full.json()["error"].as_str().unwrap().contains("2 runs are open"));
    s.store.cancel(TaskRunId(one)).await.unwrap();
    s.submit().await;
}

#[tokio::test]
async fn more_open_runs_than_one_request_moves_are_said() {
    let s = Service::start().await;
    let new = |_| NewRun { name: "hello".into(), input: raw::null(), code: None, parent: None };
    for run in (0..501).map(new) {
        s.store.submit(&run).await.unwrap();
    }
    let body = json!({ "task_identifier": "hello" }).to_string();
    let moved = s.post("/upgrade", &body).await.json();
    assert_eq!(moved["data"]["runs"].as_array().unwrap().len(), 500);
    assert_eq!(moved["data"]["more"], true);
}

#[tokio::test]
async fn a_flow_of_its_own_has_a_name_that_tasks_may_have() {
    let s = Service::start().await;
    let flow = json!({ "id": "f", "initial": "a", "states": { "a": { "type": "final" } } });
    let body = |name: &str| json!({ "flow": flow, "name": name }).to_string();
    let refused = s.post("/flows/execute", &body(&"x".repeat(256))).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.json()["error"].as_str().unwrap().contains("'name' must be"));
    assert_eq!(s.post("/flows/execute", &body("good")).await.status, 200);
}
