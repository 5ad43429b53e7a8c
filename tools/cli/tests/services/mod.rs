//! Answers of the services, in the shapes that they document.

use axum::{
    Json, Router,
    extract::Path,
    routing::{get, post},
};
use serde_json::{Value, json};

/// Every route that the screens need.
pub fn all() -> Router {
    let enveloped = |data: Value| json!({ "success": true, "data": data });
    let answers = move |data: Value| {
        let body = enveloped(data);
        move || async move { Json(body) }
    };
    Router::new()
        .route("/tasks/runs", get(answers(json!({ "runs": [completed(), failed()] }))))
        .route("/tasks/logs", get(answers(json!({ "logs": logs() }))))
        .route("/tasks/list", get(answers(json!({ "tasks": tasks() }))))
        .route("/tasks/attention", get(answers(json!({ "calls": [unknown()] }))))
        .route("/tasks/execute", post(answers(json!({ "result": { "taskRunId": 7 } }))))
        .route("/tasks/upgrade", post(answers(json!({ "runs": upgraded() }))))
        .route("/tasks/flows", post(answers(json!({ "name": "order", "version": 3 }))))
        .route("/tasks/flows/{id}", get(answers(flow())))
        .route("/tasks/{verb}", post(answers(json!({}))))
        .route("/tasks/status/{id}", get(status))
        .route("/wrappedkeystore", post(keystore))
}

async fn status(Path(id): Path<u64>) -> Json<Value> {
    Json(if id == 8 { failed() } else { completed() })
}

async fn keystore(Json(body): Json<Value>) -> Json<Value> {
    let data = match body["action"].as_str() {
        Some("getKey") => json!("abc"),
        Some("listNamespaces") => json!(["default", "global"]),
        Some("listKeys") => json!(["GAPI_KEY", "TOKEN"]),
        Some("rotateKeys") => json!({ "sealed": 1, "rewrapped": 2, "journal": 3, "broken": [] }),
        _ => json!(true),
    };
    Json(json!({ "success": true, "data": { "success": true, "data": data } }))
}

fn completed() -> Value {
    json!({
        "id": 7, "task_name": "comprehensive-gmail-search", "version": 2, "status": "completed",
        "calls": 29_503, "created_at": "2026-11-22T10:00:00.000Z",
        "ended_at": "2026-11-22T10:03:20.000Z", "input": { "query": "from:ann" },
        "result": found(), "error": null,
        "stack_runs": [root(1, "completed"), call(2, 0, "completed", &Value::Null)],
    })
}

fn failed() -> Value {
    let error = json!({ "name": "ServiceError", "message": "the API is turned off", "line": 3,
        "column": 7, "stack": "    at run (hello-task.js:3:7)" });
    json!({
        "id": 8, "task_name": "hello-task", "version": 1, "status": "failed", "calls": 1,
        "created_at": "2026-11-22T10:00:00.000Z", "ended_at": "2026-11-22T10:00:00.085Z",
        "input": {}, "result": null, "error": error, "deadline": "2026-11-22T11:00:00.000Z",
        "stack_runs": [root(3, "failed"), call(4, 0, "failed", &error)],
    })
}

fn root(id: u32, status: &str) -> Value {
    json!({ "id": id, "kind": "task", "seq": -1, "service_name": "deno-executor",
        "method_name": "execute", "status": status, "attempt": 1, "crashes": 0, "args": null,
        "created_at": "2026-11-22T10:00:00.000Z", "ended_at": "2026-11-22T10:00:02.500Z" })
}

fn call(id: u32, seq: u32, status: &str, error: &Value) -> Value {
    json!({ "id": id, "kind": "call", "seq": seq, "service_name": "wrappedgapi",
        "method_name": "admin.domains.list", "status": status, "attempt": 3, "crashes": 1,
        "args": [{ "customer": "my_customer" }], "error": error,
        "created_at": "2026-11-22T10:00:00.000Z", "ended_at": "2026-11-22T10:00:00.085Z" })
}

fn unknown() -> Value {
    json!({ "stackRunId": 345, "taskRunId": 9, "task_name": "greet-users",
        "service_name": "wrappedgapi", "method_name": "gmail.users.messages.send",
        "sent_at": "2026-11-22T10:00:00.000Z", "args": [{ "userId": "me" }] })
}

fn logs() -> Value {
    json!([
        { "at": "2026-11-22T10:00:00.100Z", "level": "info", "message": "4 domains\nto search" },
        { "at": "2026-11-22T10:00:01.000Z", "level": "warn", "message": "bo@a.ex has no mail" },
    ])
}

fn tasks() -> Value {
    json!([
        { "name": "hello-task", "version": 1, "updated_at": "2026-11-22T09:00:00.000Z",
          "description": "Greets." },
        "from-an-older-service",
    ])
}

fn upgraded() -> Value {
    json!([
        { "taskRunId": 7, "status": "moved", "message": "run 7 goes on on version 2 (was 1)" },
        { "taskRunId": 8, "status": "busy", "message": "it goes on too fast" },
    ])
}

fn flow() -> Value {
    json!({
        "taskRunId": 9, "name": "order", "status": "waiting", "state": ["paid"], "error": null,
        "history": [{ "at": "2026-11-22T10:00:00.000Z", "state": "placed" },
            { "at": "2026-11-22T10:00:05.000Z", "state": "paid" }], "result": { "total": 12 },
    })
}

/// What the Gmail search answers.
fn found() -> Value {
    json!({
        "summary": { "totalDomains": 1, "totalUsers": 2, "totalMessagesFound": 29_400,
            "searchQuery": "" },
        "domainResults": [{ "domain": "a.ex", "totalMessages": 29_400, "userCount": 2, "users": [
            { "email": "ann@a.ex", "messageCount": 29_400 },
            { "email": "bo@a.ex", "messageCount": 0, "error": {
                "message": "Mail service not enabled", "status": 400,
                "reason": "failedPrecondition" } },
        ] }],
        "sampleMessages": [{ "userEmail": "ann@a.ex", "from": "x@y.ex", "subject": "Grüße\u{1b}[2J",
            "date": "Sun, 22 Nov 2026", "snippet": "can&#39;t wait ".repeat(20) }],
        "executionInfo": { "totalApiCalls": 29_404, "completedAt": "2026-11-22T10:03:20.000Z" },
    })
}
