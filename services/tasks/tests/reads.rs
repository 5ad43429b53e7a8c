//! Status, logs, list, runs, schema, publish, index.

use crate::common;

use common::service::{AT, Service, TASK};
use serde_json::{Value, json};
use tasker_core::{HostCall, LogLine, json as raw};
use tasker_store::{Advance, Ask};

/// Runs the oldest ready task up to its first call, or to its end.
async fn advance(s: &Service, ask: bool) {
    let root = s.store.claim("slot").await.unwrap().unwrap();
    let line = LogLine { level: "info".into(), message: "hi".into(), at_ms: 1_700_000_000_000 };
    let call = HostCall::new("wrappedgapi", "a.b", raw::of(&[1]));
    let error = tasker_core::TaskError::new("TypeError", "no such thing");
    s.store
        .advance(&Advance {
            root_id: root.row.root_id,
            by: root.row.lease,
            delivered: None,
            deliveries: 0,
            calls: 0,
            made_at: None,
            asked: if ask { vec![Ask::Call(call)] } else { vec![] },
            cleared: vec![],
            end: (!ask).then(|| Err(raw::of(&error))),
            keep: None,
            logs: vec![line],
            executor: None,
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn status_of_one_run() {
    let s = Service::start().await;
    let id = s.submit().await;
    advance(&s, true).await;
    for path in
        [format!("/status?id={id}"), format!("/status?taskRunId={id}"), format!("/status/{id}")]
    {
        let answer = s.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        let run = answer.json();
        assert_eq!((&run["id"], &run["task_name"]), (&json!(id), &json!("hello")));
        assert_eq!((&run["input"], &run["result"]), (&json!({"name": "x"}), &json!(null)));
        assert_eq!((&run["calls"], &run["stack_run_count"]), (&json!(1), &json!(2)));
        assert_eq!(run["stack_runs"].as_array().unwrap().len(), 2);
        assert_eq!(run["progress"]["waiting_on"], "wrappedgapi.a.b");
        assert!(run["created_at"].as_str().unwrap().ends_with('Z'));
    }
    let poll = s.get(&format!("/status/{id}?stack_runs=0")).await.json();
    assert!(poll.get("stack_runs").is_none() && poll["stack_run_count"] == 2, "{poll}");
}

#[tokio::test]
async fn status_is_paged() {
    let s = Service::start().await;
    let id = s.submit().await;
    advance(&s, true).await;
    let first = s.get(&format!("/status/{id}?limit=1")).await.json();
    assert_eq!(first["stack_runs"][0]["kind"], "task");
    // The row waited for lies on the second page and is named all the same.
    assert_eq!(first["progress"]["waiting_on"], "wrappedgapi.a.b");
    let after = first["next_after"].as_i64().unwrap();
    let second = s.get(&format!("/status/{id}?limit=5&after={after}")).await.json();
    assert_eq!(second["stack_runs"][0]["kind"], "call");
    assert!(second.get("next_after").is_none());
}

#[tokio::test]
async fn status_of_what_is_not_there() {
    let s = Service::start().await;
    let cases = [
        ("/status/99", 404, "Task run with ID 99 not found"),
        ("/status?id=99", 404, "Task run with ID 99 not found"),
        ("/status/-1", 404, "not found"),
        ("/status/x", 400, "'x'"),
        ("/status?id=1.5", 400, "'1.5'"),
        ("/status?id=", 400, "Missing taskRunId parameter"),
        ("/status/1?limit=x", 400, "'limit'"),
        ("/status/1?limit=100000", 400, "'limit'"),
        ("/status/1?after=x", 400, "'after'"),
        ("/status/99999999999999999999", 400, "whole number"),
    ];
    for (path, status, names) in cases {
        let answer = s.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        let value = answer.json();
        assert!(value["error"].as_str().unwrap().contains(names), "{path}: {value}");
        assert!(value.get("success").is_none());
    }
}

#[tokio::test]
async fn the_newest_runs() {
    let s = Service::start().await;
    assert_eq!(s.get("/status").await.json(), json!({"success": true, "data": {"task_runs": []}}));
    for _ in 0..12 {
        s.submit().await;
    }
    let newest = s.get("/status").await.json()["data"]["task_runs"].clone();
    assert_eq!(newest.as_array().unwrap().len(), 10);
    let keys: Vec<_> = newest[0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(newest[0]["id"], 12);
    assert_eq!(keys, ["id", "task_name", "status", "created_at", "updated_at"]);
}

#[tokio::test]
async fn logs_in_both_shapes() {
    let s = Service::start().await;
    let id = s.submit().await;
    advance(&s, true).await;
    assert_eq!(
        s.get(&format!("/logs?task_id={id}&limit=5")).await.json(),
        json!({"success": true, "data": {"logs": [
            {"level": "info", "message": "hi", "at": "2023-11-14T22:13:20.000Z"},
        ]}})
    );
    assert_eq!(
        s.get(&format!("/logs?id={id}")).await.json(),
        json!({"logs": ["info: hi"], "vm_logs": []})
    );
    let cases = [
        ("/logs", 400, json!({"success": false, "error": "Missing task_id parameter"})),
        (
            "/logs?task_id=9",
            404,
            json!({"success": false, "error": "Task run with ID 9 not found"}),
        ),
        ("/logs?id=9", 404, json!({"error": "Task run with ID 9 not found"})),
    ];
    for (path, status, body) in cases {
        let answer = s.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (status, body), "{path}");
    }
    assert_eq!(s.get(&format!("/logs?id={id}&limit=-1")).await.status, 400);
    assert_eq!(s.get("/logs?task_id=x").await.status, 400);
}

#[tokio::test]
async fn the_list_of_tasks() {
    let s = Service::start().await;
    for path in ["/list", "/list?type=database"] {
        let tasks = s.get(path).await.json()["data"]["tasks"].clone();
        assert_eq!(tasks.as_array().unwrap().len(), 1);
        let task = &tasks[0];
        assert_eq!((&task["name"], &task["type"]), (&json!("hello"), &json!("database")));
        assert_eq!((&task["description"], &task["version"]), (&json!("Says hello."), &json!(1)));
        assert!(task["updated_at"].is_string());
    }
    for path in ["/list?type=basic", "/list?type=special"] {
        assert_eq!(s.get(path).await.json()["data"]["tasks"], json!([]));
    }
    assert_eq!(s.get("/list?type=odd").await.status, 400);
}

#[tokio::test]
async fn the_list_of_runs() {
    let s = Service::start().await;
    s.submit().await;
    s.submit().await;
    advance(&s, false).await;
    let ids = async |path: &str| -> Vec<Value> {
        let runs = s.get(path).await.json()["data"]["runs"].clone();
        runs.as_array().unwrap().iter().map(|r| r["id"].clone()).collect()
    };
    assert_eq!(ids("/runs").await, [2, 1]);
    assert_eq!(ids("/runs?limit=1").await, [2]);
    assert_eq!(ids("/runs?status=failed").await, [1]);
    assert_eq!(ids("/runs?task=hello&status=pending").await, [2]);
    assert!(ids("/runs?task=other").await.is_empty());
    let failed = s.get("/runs?status=failed").await.json()["data"]["runs"][0].clone();
    assert_eq!(failed["error"], "TypeError: no such thing");
    assert!(failed["ended_at"].is_string() && failed.get("result").is_none(), "{failed}");
    for path in ["/runs?status=odd", "/runs?limit=x", "/runs?limit=501"] {
        let answer = s.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["success"]),
            (400, &json!(false)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn schemas() {
    let s = Service::start().await;
    let input = json!({
        "type": "object",
        "properties": {"name": {"type": "string", "description": "Whom.", "default": "you"}},
        "required": [],
    });
    let one = s.get("/schema?task=hello").await.json();
    assert_eq!((&one["success"], &one["data"]["input"]), (&json!(true), &input));
    assert_eq!(s.get("/schema").await.json()["data"]["tasks"][0], one["data"]);
    let tool = s.get("/schema?task=hello&format=openai").await.json()["data"].clone();
    assert_eq!(
        tool,
        json!({"type": "function", "function":
            {"name": "hello", "description": "Says hello.", "parameters": input}})
    );
    assert_eq!(s.get("/schema?format=openai").await.json()["data"]["tools"], json!([tool]));
    let api = s.get("/schema?task=hello&format=openapi").await.json()["data"].clone();
    let body = &api["paths"]["/functions/v1/tasks/execute"]["post"]["requestBody"];
    assert_eq!(api["openapi"], "3.1.0");
    assert_eq!(body["content"]["application/json"]["schema"]["properties"]["input"], input);
    let unknown = s.get("/schema?task=nope").await;
    assert_eq!((unknown.status.as_u16(), &unknown.json()["tasks"]), (404, &json!(["hello"])));
    assert_eq!(s.get("/schema?format=odd").await.status, 400);
}

#[tokio::test]
async fn publishing() {
    let s = Service::start().await;
    let publish = async |body: Value| s.post("/publish", &body.to_string()).await;
    let done = |version: i64, created: bool| json!({"success": true, "data": {"name": "a/b-1.x", "version": version, "created": created}});
    let named = |key: &str, code: &str| json!({key: "a/b-1.x", "code": code});
    assert_eq!(publish(named("name", TASK)).await.json(), done(1, true));
    assert_eq!(publish(named("task_identifier", TASK)).await.json(), done(1, false));
    assert_eq!(publish(named("name", "module.exports = 1")).await.json(), done(2, false));
    publish(json!({"name": "about", "code": "1", "description": "Mine."})).await;
    publish(json!({"name": "doc", "code": TASK, "description": null})).await;
    let tasks = s.get("/list").await.json()["data"]["tasks"].clone();
    let about = |name: &str| {
        let found = tasks.as_array().unwrap().iter().find(|t| t["name"] == name);
        found.unwrap()["description"].clone()
    };
    assert_eq!((about("about"), about("doc")), (json!("Mine."), json!("Says hello.")));
}

#[tokio::test]
async fn publishing_is_checked() {
    let s = Service::start().await;
    let code = |n: usize| "x".repeat(n);
    let cases = [
        (json!({}), 400, "'name'"),
        (json!({"code": "x"}), 400, "'name'"),
        (json!({"name": 7, "code": "x"}), 400, "'name'"),
        (json!({"task_identifier": 7, "code": "x"}), 400, "'task_identifier'"),
        (json!({"name": "", "code": "x"}), 400, "'name'"),
        (json!({"name": "a b", "code": "x"}), 400, "'name'"),
        (json!({"name": "n\u{e4}me", "code": "x"}), 400, "'name'"),
        (json!({"name": code(256), "code": "x"}), 400, "'name'"),
        (json!({"name": "a"}), 400, "'code'"),
        (json!({"name": "a", "code": ["x"]}), 400, "'code'"),
        (json!({"name": "a", "code": " \n"}), 400, "'code'"),
        (json!({"name": "a", "code": "a\u{0}"}), 400, "'code'"),
        (json!({"name": "a", "code": code((1 << 20) + 1)}), 413, "1048576"),
        (json!({"name": "a", "code": "x", "description": 7}), 400, "'description'"),
    ];
    for (body, status, names) in cases {
        let answer = s.post("/publish", &body.to_string()).await;
        let value = answer.json();
        assert_eq!(answer.status, status, "{value}");
        assert_eq!(value["success"], false);
        assert!(value["error"].as_str().unwrap().contains(names), "{value}");
    }
    assert_eq!(s.post("/publish", "{").await.status, 400);
    let most = json!({"name": code(255), "code": code(1 << 20)}).to_string();
    assert_eq!(s.post("/publish", &most).await.status, 200);
}

#[tokio::test]
async fn index_health_and_elsewhere() {
    let s = Service::start().await;
    for path in ["", "/"] {
        let index = s.get(path).await.json();
        assert_eq!((&index["service"], &index["status"]), (&json!("tasks"), &json!("running")));
        assert!(index["endpoints"].as_array().unwrap().len() > 5);
    }
    let health = s.get("/health").await.json();
    assert_eq!((&health["status"], &health["service"]), (&json!("healthy"), &json!("tasks")));
    let nowhere = s.get("/nowhere").await;
    assert_eq!(nowhere.status, 404);
    let use_execute =
        json!({"success": false, "error": "Use /execute endpoint for task execution"});
    assert_eq!(nowhere.json(), use_execute);
    assert_eq!(s.post("/status", "{}").await.status, 405);
    let preflight = common::request(&s.app, "OPTIONS", &format!("{AT}/execute"), "").await;
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.headers["access-control-allow-origin"], "*");
    let stripped = common::request(&s.app, "GET", "/tasks/health", "").await;
    assert_eq!(stripped.status, 200);
}
