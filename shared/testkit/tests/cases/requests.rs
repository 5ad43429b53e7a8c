//! Requests that no service should take.

use serde_json::json;
use tasker_testkit::stack::Stack;

/// Requests that are wrong are answered at once, with the field and the fix.
pub async fn hostile(stack: &Stack) -> anyhow::Result<()> {
    let unknown = json!({ "task_identifier": "no-such-task", "input": {} });
    let (status, body) = stack.post("tasks/execute", &unknown).await?;
    assert_eq!(status, 404, "{body}");
    assert!(body["error"].as_str().is_some_and(|e| e.contains("no-such-task")), "{body}");
    let (status, body) = stack.post("tasks/execute", &json!({ "input": 1 })).await?;
    assert_eq!(status, 400, "{body}");
    let says = body["error"].as_str().unwrap_or_default();
    assert!(says.starts_with("Missing task_identifier"), "{body}");
    let client = reqwest::Client::new();
    let broken = client.post(format!("{}/tasks/execute", stack.url)).body("{\"a\": ").send().await;
    assert_eq!(broken?.status(), 400);
    let (status, body) = stack.post("deno-executor", &json!({ "taskName": "x" })).await?;
    assert_eq!((status, body["error"].as_str()), (400, Some("Missing taskCode or taskName")));
    let direct = json!({ "taskName": "d", "taskCode": "module.exports = async (i) => i.a", "taskInput": { "a": 5 } });
    let (status, body) = stack.post("deno-executor", &direct).await?;
    assert_eq!((status, &body["status"], &body["result"]), (200, &json!("completed"), &json!(5)));
    let (status, _) = stack.get("nothing").await?;
    assert_eq!(status, 404);
    Ok(())
}
