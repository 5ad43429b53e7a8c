//! The service's OpenAPI document.

use serde_json::{Value, json};
use tasker_http::openapi::{Document, Operation, health, object};

/// What the service offers.
pub fn document() -> Document {
    let about = "The database for task code, as a supabase-js call chain.";
    let key = json!({ "type": "string", "minLength": 1, "maxLength": 255 });
    let call = Operation::new("Run a call chain")
        .about("HTTP 200 also when the database refuses: `error` and `status` say so.")
        .header(
            "Idempotency-Key",
            key,
            "A change under a key happens once; a repeat is answered as it was",
        )
        .body(object(&["chain"], json!({ "chain": chain() })))
        .answers(200, "supabase-js's result", result())
        .answers(400, "A chain that is not understood; the error names the link", result())
        .answers(404, "No such table, column or method", result())
        .answers(409, "Sent before under this key, and nobody knows what became of it", result())
        .answers(410, "Done before under this key; its answer was too long to be kept", result())
        .answers(422, "Another request came under this key", result())
        .answers(503, "The database cannot be reached; trying again may help", result());
    Document::new("wrappedsupabase", about, env!("CARGO_PKG_VERSION"))
        .get("/health", health())
        .post("/", call.clone())
        .post("/health", call)
}

fn chain() -> Value {
    let link = object(
        &["property"],
        json!({ "property": { "type": "string" }, "args": { "type": "array" } }),
    );
    json!({
        "type": "array", "minItems": 1, "items": link,
        "examples": [[
            { "property": "from", "args": ["orders"] }, { "property": "select", "args": ["*"] },
            { "property": "eq", "args": ["id", 1] },
        ]],
    })
}

fn result() -> Value {
    object(
        &["data", "error", "status", "statusText"],
        json!({
            "data": {}, "error": { "type": ["object", "null"] },
            "count": { "type": ["integer", "null"] },
            "status": { "type": "integer" }, "statusText": { "type": "string" },
        }),
    )
}
