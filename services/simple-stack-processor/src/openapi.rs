//! The service's OpenAPI document.

use serde_json::json;
use tasker_http::openapi::{Document, Operation, health, object};

/// What the service offers.
pub fn document() -> Document {
    let about = "Works on stack runs, one hop a request.";
    let id = json!({ "type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$" });
    let body = object(
        &[],
        json!({
            "trigger": { "enum": ["process-next", null], "description": "Take what is ready" },
            "stackRunId": id,
            "report": { "type": ["object", "null"], "description": "What the executor made of an outcome" },
        }),
    );
    let done = object(
        &["status"],
        json!({ "status": { "const": "success" }, "processed": { "type": "boolean" } }),
    );
    let call = Operation::new("Take a row")
        .about("Answered as soon as the row is leased; the work is done after.")
        .body(body)
        .answers(200, "Taken, or nothing to take", done)
        .refuses(&[
            (400, "Neither stackRunId nor trigger"),
            (503, "The database cannot be reached"),
        ]);
    Document::new("simple-stack-processor", about, env!("CARGO_PKG_VERSION"))
        .get("/", health())
        .post("/", call)
}
