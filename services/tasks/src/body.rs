//! Request bodies as named JSON texts: what users own stays byte for byte as it was sent.

use std::collections::HashMap;

use tasker_core::{Json, json};
use tasker_http::{ApiError, JsonBody};

/// Ten years.
const MOST_TIMEOUT_MS: i64 = 315_576_000_000;

/// The body as a route extracts it.
pub type Body = Result<JsonBody<HashMap<String, Json>>, ApiError>;

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

    /// A field that is a whole number, or one in quotes. `None` if absent or `null`.
    pub fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(value) = self.0.get(name).filter(|v| v.get() != "null") else { return Ok(None) };
        let text = value.get().trim_matches('"');
        text.parse().map(Some).map_err(|_| {
            ApiError::bad_request(format!("'{name}' must be a whole number, not {}", kind(value)))
        })
    }

    /// A field that names a row; 400 with the fix if it is not there.
    pub fn id(&self, name: &str) -> Result<i64, ApiError> {
        let missing =
            || ApiError::bad_request(format!("'{name}' is missing: send {{\"{name}\": n}}"));
        self.number(name)?.ok_or_else(missing)
    }

    /// A field that is `true` or `false`; false if it is absent.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.0.get(name).map(|v| v.get()) {
            None | Some("false" | "null") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ApiError::bad_request(format!("'{name}' must be true or false"))),
        }
    }

    /// A flag that is true if it is absent.
    pub fn flag_unless_false(&self, name: &str) -> Result<bool, ApiError> {
        Ok(!self.has(name) || self.flag(name)?)
    }

    /// How long a run may take, milliseconds.
    pub fn timeout(&self) -> Result<Option<i64>, ApiError> {
        let ms = self.number("timeoutMs")?;
        if ms.is_some_and(|ms| !(1..=MOST_TIMEOUT_MS).contains(&ms)) {
            return Err(ApiError::bad_request(format!(
                "'timeoutMs' must be from 1 to {MOST_TIMEOUT_MS} (ten years)"
            )));
        }
        Ok(ms)
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
