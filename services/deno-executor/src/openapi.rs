//! The service's OpenAPI document.

use serde_json::{Value, json};
use tasker_http::openapi::{Document, Operation, health, object};

/// What the service offers.
pub fn document() -> Document {
    let about = "Runs task code to its next quiet point.";
    let errors = [
        (400, "A field is missing or wrong; the error names it"),
        (404, "No such row"),
        (409, "The run has ended, or a processor works on it"),
        (503, "The database or the worker processes cannot be reached"),
    ];
    let execute = Operation::new("Run a task")
        .body(execute())
        .answers(200, "Completed, or suspended at a host call", answer())
        .answers(500, "The task failed", json!({ "type": "object", "required": ["error"] }))
        .refuses(&errors);
    let resume = Operation::new("Give a call's outcome to its run")
        .body(resume())
        .answers(200, "Completed, paused at the next call, or recorded", answer())
        .answers(500, "The task failed", json!({ "type": "object", "required": ["error"] }))
        .refuses(&errors);
    let check = Operation::new("Look for mistakes in task code without running it")
        .body(code())
        .answers(200, "Whether it compiles, and its mistakes", json!({ "type": "object" }))
        .refuses(&errors);
    let upgrade = Operation::new("Move an open run to the newest version of its code")
        .body(newer())
        .answers(200, "Moved, or why not", json!({ "type": "object" }))
        .refuses(&errors);
    Document::new("deno-executor", about, env!("CARGO_PKG_VERSION"))
        .get("/", health())
        .post("/", execute)
        .get("/resume", health())
        .post("/resume", resume)
        .post("/check", check)
        .post("/upgrade", upgrade)
        .schema("Lease", lease())
}

fn id() -> Value {
    json!({ "type": ["integer", "null"], "format": "int64" })
}

fn lease() -> Value {
    object(
        &["stackRunId", "epoch", "owner"],
        json!({
            "stackRunId": { "type": "integer" }, "epoch": { "type": "integer" },
            "owner": { "type": "string" },
        }),
    )
}

fn execute() -> Value {
    object(
        &["taskName", "taskCode"],
        json!({
            "taskName": { "type": "string" },
            "taskCode": { "type": "string", "description": "For a run that has no row yet" },
            "taskInput": {}, "taskRunId": id(), "stackRunId": id(),
        }),
    )
}

fn code() -> Value {
    let text = json!({ "type": "string" });
    object(&["taskName", "taskCode"], json!({ "taskName": text, "taskCode": text }))
}

fn newer() -> Value {
    let dry_run = json!({ "type": "boolean", "description": "Only say whether it could be moved" });
    object(&["taskRunId"], json!({ "taskRunId": { "type": "integer" }, "dryRun": dry_run }))
}

fn resume() -> Value {
    object(
        &["stackRunId"],
        json!({
            "stackRunId": { "type": "integer", "format": "int64", "description": "The root row" },
            "result": { "description": "Of the call it waits for; null is a result" },
            "error": { "description": "The call's error instead" },
        }),
    )
}

fn answer() -> Value {
    object(
        &["status"],
        json!({ "status": { "enum": ["completed", "paused", "recorded", "error"] }, "result": {} }),
    )
}
