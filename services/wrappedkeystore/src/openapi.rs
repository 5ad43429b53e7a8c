//! The service's OpenAPI document.

use serde_json::{Value, json};
use tasker_http::openapi::{Document, Operation, health, object};

use crate::request::NAMES;

/// What the service offers.
pub fn document() -> Document {
    let about = "Secrets for task code and for the other services.";
    let call = Operation::new("Read or write a secret")
        .about("`action` is answered in two envelopes; `chain` and `method` with the bare value.")
        .body(json!({ "oneOf": [action(), chain(), method()] }))
        .answers(200, "The value, in the form of the request", json!({}))
        .refuses(&[
            (400, "A field is missing or wrong; the error names it"),
            (403, "A credential that a service reads for itself, asked for as a call"),
            (404, "No such method"),
        ]);
    let index = Operation::new("What the service is").open();
    Document::new("wrappedkeystore", about, env!("CARGO_PKG_VERSION"))
        .get("/", index.answers(200, "Its routes", json!({ "type": "object" })))
        .get("/health", health())
        .post("/", call.clone())
        // Older clients post to any path.
        .post("/health", call)
}

fn word() -> Value {
    json!({ "type": ["string", "null"], "maxLength": 255 })
}

fn action() -> Value {
    object(
        &["action"],
        json!({
            "action": { "enum": NAMES }, "namespace": word(), "key": word(),
            "value": { "description": "With setKey: text, or JSON that is kept as text" },
        }),
    )
}

fn args() -> Value {
    json!({ "type": "array", "maxItems": 3, "description": "namespace, key, value" })
}

fn chain() -> Value {
    let link = object(&["property"], json!({ "property": { "enum": NAMES }, "args": args() }));
    let chain = json!({ "type": "array", "minItems": 1, "maxItems": 1, "items": link });
    object(&["chain"], json!({ "chain": chain }))
}

fn method() -> Value {
    object(&["method"], json!({ "method": { "enum": NAMES }, "args": args() }))
}
