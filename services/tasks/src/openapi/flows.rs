//! Flows in the document.

use serde_json::{Value, json};
use tasker_http::openapi::{Document, Operation, enveloped, object};

use super::{id, text};

/// Adds the routes of flows.
pub fn flows(document: Document) -> Document {
    let flow = json!({ "type": "object", "description": "States as JSON: docs/flow.md" });
    let errors = [
        (400, "A field is missing or wrong, or the flow is not good; the error says where"),
        (404, "No such flow or run"),
        (409, "The run is in another state"),
    ];
    let publish = object(&["flow"], json!({ "flow": flow, "name": text() }));
    let execute = object(
        &[],
        json!({
            "name": { "type": ["string", "null"], "description": "A published flow" },
            "flow": { "type": ["object", "null"], "description": "Or one that is published with it" },
            "input": {}, "idempotencyKey": { "type": ["string", "null"] },
        }),
    );
    let published =
        enveloped(object(&["name", "version"], json!({ "name": text(), "version": id() })));
    let act = |summary: &str, body: Value| {
        Operation::new(summary).body(body).answers(200, "Done", run()).refuses(&errors)
    };
    let of = |summary: &str, answer: Value| {
        let operation = Operation::new(summary).path("id", id(), "The run");
        operation.answers(200, "Done", answer).refuses(&errors)
    };
    let one = object(&["taskRunId"], json!({ "taskRunId": id() }));
    document
        .post(
            "/flows",
            Operation::new("Publish a flow as a task")
                .body(publish)
                .answers(200, "Published", published)
                .refuses(&errors),
        )
        .post("/flows/execute", act("Run a flow", execute))
        .post("/flows/resume", act("Let a paused or failed flow go on", one))
        .get("/flows/{id}", of("Where a flow is", enveloped(json!({ "type": "object" }))))
        .delete("/flows/{id}", of("End a flow's run and forget it", run()))
}

fn run() -> Value {
    enveloped(object(&["taskRunId", "status"], json!({ "taskRunId": id(), "status": text() })))
}
