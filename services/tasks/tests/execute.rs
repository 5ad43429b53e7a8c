//! Submitting: both generations, nested runs, and what is refused.

use crate::common;

use axum::body::Body;
use common::{
    send,
    service::{AT, Service},
};
use http::Request;
use serde_json::{Value, json};
use tasker_core::{HostCall, TaskRunId, json as raw};
use tasker_store::{Advance, Ask};

#[tokio::test]
async fn the_current_generation() {
    let mut s = Service::start().await;
    let input = r#"{"b": 1.0, "a": 12345678901234567890123, "a": "\u0000"}"#;
    let body =
        format!(r#"{{"task_identifier":"hello","input":{input},"options":{{"debug":true}}}}"#);
    let answer = s.post("/execute", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let value = answer.json();
    assert_eq!(value["success"], true);
    assert_eq!(
        value["data"],
        json!({
            "result": {
                "taskRunId": 1, "status": "submitted",
                "message": "Task submitted for background processing",
            },
            "task_identifier": "hello",
        })
    );
    assert!(value["logs"][0].as_str().unwrap().contains("[INFO]"), "{value}");
    assert_eq!(s.triggered().await, json!({"trigger": "process-next"}));
    let run = s.store.run(TaskRunId(1)).await.unwrap().unwrap();
    assert_eq!(run.input.get(), input);
}

#[tokio::test]
async fn the_older_generation_on_any_path() {
    let mut s = Service::start().await;
    for path in ["/execute", "", "/", "/anything/at/all"] {
        let answer = s.post(path, r#"{"taskName":"hello"}"#).await;
        assert_eq!(answer.status, 202, "{path}: {}", answer.text);
        let value = answer.json();
        assert_eq!(value["status"], "submitted");
        assert_eq!(value["message"], "Task submitted successfully and will process automatically.");
        assert!(value["stackRunId"].is_i64() && value["info"].is_string(), "{value}");
        let id = TaskRunId(value["taskRunId"].as_i64().unwrap());
        assert_eq!(s.store.run(id).await.unwrap().unwrap().input.get(), "{}");
        s.triggered().await;
    }
}

#[tokio::test]
async fn the_trigger_by_hand() {
    let mut s = Service::start().await;
    for path in ["/execute", "", "/whatever"] {
        let answer = s.post(path, r#"{"service":"tasks","method":"triggerFIFO"}"#).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.json(),
            json!({"status": "ok", "message": "FIFO processing chain started"})
        );
        assert_eq!(s.triggered().await["trigger"], "process-next");
    }
}

#[tokio::test]
async fn what_is_refused() {
    let s = Service::start().await;
    let enveloped = [
        ("/execute", "", 400, "body is empty"),
        ("/execute", "{", 400, "Request parsing error"),
        ("/execute", "[1]", 400, "Request parsing error"),
        ("/execute", "{}", 400, "Missing task_identifier"),
        ("/execute", r#"{"task_identifier":null}"#, 400, "Missing task_identifier"),
        ("/execute", r#"{"task_identifier":""}"#, 400, "Missing task_identifier"),
        (
            "/execute",
            r#"{"task_identifier":7}"#,
            400,
            "'task_identifier' must be a string, not a number",
        ),
        (
            "/execute",
            r#"{"task_identifier":"nope"}"#,
            404,
            "Task 'nope' not found: published tasks: hello",
        ),
        (
            "/elsewhere",
            r#"{"task_identifier":"hello"}"#,
            404,
            "Use /execute endpoint for task execution",
        ),
        ("/elsewhere", "{", 404, "Use /execute endpoint for task execution"),
    ];
    for (path, body, status, names) in enveloped {
        let answer = s.post(path, body).await;
        assert_eq!(answer.status, status, "{body}");
        let value = answer.json();
        assert_eq!(value["success"], false, "{body}");
        assert!(value["error"].as_str().unwrap().contains(names), "{body}: {value}");
    }
    let bare = [
        (r#"{"taskName":7}"#, 400, "'taskName' is required and must be a string."),
        (r#"{"taskName":""}"#, 400, "'taskName' is required and must be a string."),
        (r#"{"taskName":"nope"}"#, 404, "Publish it first"),
    ];
    for (body, status, names) in bare {
        let answer = s.post("/execute", body).await;
        assert_eq!(answer.status, status, "{body}");
        let value = answer.json();
        assert!(value.get("success").is_none(), "{body}");
        assert!(value["error"].as_str().unwrap().contains(names), "{body}: {value}");
    }
    let unknown = s.post("/execute", r#"{"task_identifier":"nope"}"#).await.json();
    assert_eq!(unknown["tasks"], json!(["hello"]));
    for method in ["GET", "PUT", "DELETE"] {
        let answer = common::request(&s.app, method, &format!("{AT}/execute"), "").await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.json(), json!({"success": false, "error": "Method not allowed"}));
    }
}

#[tokio::test]
async fn input_may_be_any_json() {
    let s = Service::start().await;
    for input in ["null", "7", "\"x\"", "[1, 2]", "false"] {
        let body = format!(r#"{{"task_identifier":"hello","input":{input}}}"#);
        let id = s.post("/execute", &body).await.json()["data"]["result"]["taskRunId"].as_i64();
        let run = s.store.run(TaskRunId(id.unwrap())).await.unwrap().unwrap();
        assert_eq!(run.input.get(), input);
    }
}

/// A call row of a running task, leased, as a processor holds it.
async fn leased_call(s: &Service) -> Value {
    s.submit().await;
    let root = s.store.claim("slot").await.unwrap().unwrap();
    let call = HostCall::new("tasks", "execute", raw::of(&["hello"]));
    let advance = Advance {
        root_id: root.row.root_id,
        by: root.row.lease,
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
    let next = s.store.advance(&advance).await.unwrap().next.unwrap();
    serde_json::to_value(next.lease).unwrap()
}

async fn nested(s: &Service, parent: &str) -> common::Answer {
    let request = Request::post(format!("{AT}/execute"))
        .header("x-tasker-parent", parent)
        .body(Body::from(r#"{"taskName":"hello","input":{}}"#))
        .unwrap();
    send(&s.app, request).await
}

#[tokio::test]
async fn a_call_becomes_a_run_once() {
    let s = Service::start().await;
    let lease = leased_call(&s).await;
    let made = nested(&s, &lease.to_string()).await;
    assert_eq!(made.status, 202, "{}", made.text);
    let id = TaskRunId(made.json()["taskRunId"].as_i64().unwrap());
    let run = s.store.run(id).await.unwrap().unwrap();
    assert_eq!(run.parent_stack_run_id.map(|p| p.0), lease["stackRunId"].as_i64());
    // Asked again after a lost answer: the same run.
    assert_eq!(nested(&s, &lease.to_string()).await.json(), made.json());
}

#[tokio::test]
async fn a_lost_or_broken_lease_is_refused() {
    let s = Service::start().await;
    let mut lease = leased_call(&s).await;
    lease["epoch"] = json!(99);
    assert_eq!(nested(&s, &lease.to_string()).await.status, 409);
    lease["stackRunId"] = json!(12345);
    assert_eq!(nested(&s, &lease.to_string()).await.status, 409);
    let broken = nested(&s, "{}").await;
    assert_eq!(broken.status, 400);
    assert!(broken.text.contains("x-tasker-parent"));
}

#[tokio::test]
async fn an_outage_says_try_again() {
    let store = tasker_store::connect("postgres://u:hush@127.0.0.1:1/x").await.unwrap();
    tasker_http::install_crypto();
    let peers = tasker_http::Peers::at("http://127.0.0.1:1", Default::default(), None).unwrap();
    let app = tasker_http::mount("tasks", tasks::router(tasks::State::new(store, peers)));
    for body in [r#"{"task_identifier":"hello"}"#, r#"{"taskName":"hello"}"#] {
        let answer = common::request(&app, "POST", &format!("{AT}/execute"), body).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.headers["retry-after"], "1");
        assert!(!answer.text.contains("hush"));
    }
}
