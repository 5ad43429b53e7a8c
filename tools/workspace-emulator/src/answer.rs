//! What handlers answer.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use serde_json::Value;

/// JSON on its way out: the gate cuts it to `fields` and prints it.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(crate) value: Value,
    pub(crate) partial: bool,
}

impl Answer {
    /// An API's answer, which `fields` may cut.
    pub fn new(value: Value) -> Self {
        Self { value, partial: true }
    }

    /// JSON that leaves as it is: errors, tokens, the emulator's own pages.
    pub fn verbatim(value: Value) -> Self {
        Self { value, partial: false }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}
