//! The service's OpenAPI document.

use serde_json::{Value, json};
use tasker_http::openapi::{Document, Operation, health, object};

/// What the service offers.
pub fn document() -> Document {
    let about = "Every method of 24 Google APIs, called as a service account.";
    let refused = "A field or parameter is wrong, or there is no such method; the error names it";
    let key = json!({ "type": "string", "minLength": 1, "maxLength": 255 });
    let call = Operation::new("Call a Google API")
        .about("Google's JSON comes back as it is. Errors of Google keep Google's status.")
        .header(
            "Idempotency-Key",
            key,
            "A repeat is answered as the call was, as long as this process remembers it",
        )
        .body(json!({ "oneOf": [chain(), method()] }))
        .answers(200, "Google's answer", json!({}))
        .refuses(&[
            (400, refused),
            (422, "Another call came under this Idempotency-Key"),
            (429, "Google's quota; Retry-After says when to come back"),
            (500, "No usable credentials are in the keystore"),
            (503, "Google or the keystore cannot be reached; trying again may help"),
        ]);
    Document::new("wrappedgapi", about, env!("CARGO_PKG_VERSION"))
        .get("/health", health_of())
        .post("/", call.clone())
        .post("/health", call)
}

fn health_of() -> Operation {
    health().answers(200, "It is", json!({ "type": "object", "required": ["success", "data"] }))
}

fn words() -> Value {
    let word = json!({ "type": "string" });
    json!({ "anyOf": [word, { "type": "array", "items": { "type": "string" } }] })
}

fn args() -> Value {
    json!({ "type": ["array", "object"], "description": "Parameters, then options" })
}

fn chain() -> Value {
    let link = object(&["property"], json!({ "property": words(), "args": args() }));
    object(&["chain"], json!({ "chain": { "type": "array", "items": link } }))
}

fn method() -> Value {
    object(&["method"], json!({ "method": words(), "args": args() }))
}
