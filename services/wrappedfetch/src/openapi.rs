//! The service's OpenAPI document.

use serde_json::{Value, json};
use tasker_http::openapi::{Document, Operation, health, object};

/// What the service offers.
pub fn document() -> Document {
    let about = "HTTP requests of task code to the outside, one a call.";
    let call = Operation::new("Send a request")
        .about("Answers status, headers and body of the target, whatever its status is.")
        .body(json!({ "oneOf": [chain(), method()] }))
        .answers(200, "The target's answer", json!({ "type": "object" }))
        .refuses(&[
            (400, "The request cannot be read; the error names the field"),
            (403, "The host or address is not allowed"),
            (502, "The target could not be reached, or its answer was broken"),
            (504, "The target did not answer in time"),
        ]);
    let index = Operation::new("What the service is").open();
    Document::new("wrappedfetch", about, env!("CARGO_PKG_VERSION"))
        .get("/", index.answers(200, "Its routes", json!({ "type": "object" })))
        .get("/health", health())
        .post("/", call.clone())
        // Older clients post to any path.
        .post("/health", call)
}

fn method_name() -> Value {
    json!({ "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] })
}

fn args() -> Value {
    let request = object(
        &["url"],
        json!({
            "url": { "type": "string", "format": "uri" },
            "redirect": { "enum": ["follow", "error", "manual"] },
        }),
    );
    json!({ "type": "array", "minItems": 1, "maxItems": 1, "items": request })
}

fn chain() -> Value {
    let link = object(&["property", "args"], json!({ "property": method_name(), "args": args() }));
    let chain = json!({ "type": "array", "minItems": 1, "maxItems": 1, "items": link });
    object(&["chain"], json!({ "chain": chain }))
}

fn method() -> Value {
    object(&["method", "args"], json!({ "method": method_name(), "args": args() }))
}
