//! Request bodies as named JSON texts: what users own stays byte for byte as it was sent.

use std::collections::HashMap;

use tasker_core::{Json, json};
use tasker_http::{ApiError, JsonBody};

/// The fields of a JSON object, none of them looked into yet.
pub struct Fields(HashMap<String, Json>);

impl Fields {
    /// The body as it was extracted; the error has no shape yet.
    pub fn new(body: Result<JsonBody<HashMap<String, Json>>, ApiError>) -> Result<Self, ApiError> {
        body.map(|JsonBody(fields)| Self(fields))
    }

    /// Whether the field was sent, be it `null`.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Takes a field out as it was sent.
    pub fn take(&mut self, name: &str) -> Option<Json> {
        self.0.remove(name)
    }

    /// A field that is a string. `None` if absent or `null`; 400 naming it if it is anything else.
    pub fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        serde_json::from_str(value.get()).map_err(|_| {
            ApiError::bad_request(format!("'{name}' must be a string, not {}", kind(value)))
        })
    }

    /// Whether the field is this very string.
    pub fn is(&self, name: &str, text: &str) -> bool {
        matches!(self.text(name), Ok(Some(found)) if found == text)
    }
}

/// Input of a task when none was sent.
pub fn no_input() -> Json {
    json::of(&serde_json::Map::new())
}

fn kind(value: &Json) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "this text (it holds an escape that is no character)",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}
