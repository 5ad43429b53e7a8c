//! Errors as services answer them.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

/// Names the error on refusals that come from the front door and not from a service.
const SB_ERROR_CODE: HeaderName = HeaderName::from_static("sb-error-code");

/// A status and a body `{"error": "...", ...}`. The message names what was wrong and the fix.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: Option<&'static str>,
    body: Map<String, Value>,
    retry_after_s: Option<u32>,
}

impl ApiError {
    /// Any status with a message.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let mut body = Map::new();
        body.insert("error".into(), Value::String(message.into()));
        Self { status, code: None, body, retry_after_s: None }
    }

    /// What Supabase's gateways answer: `{code, message, msg, error}`, which every generation of
    /// clients finds its text in, and the header `sb-error-code`.
    pub fn coded(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut body = Map::new();
        body.insert("code".into(), code.into());
        for name in ["message", "msg", "error"] {
            body.insert(name.into(), Value::String(message.clone()));
        }
        Self { status, code: Some(code), body, retry_after_s: None }
    }

    /// 400: the request is wrong; the message names the field and the fix.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 409: the thing is in another state than the request assumes.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 500. `cause` goes to the log, never to the client.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal error; the service's log has the cause",
        )
    }

    /// 503 with Retry-After. `cause` goes to the log.
    pub fn unavailable(cause: impl std::fmt::Display) -> Self {
        tracing::warn!(%cause, "unavailable");
        let mut e =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily unavailable; try again");
        e.retry_after_s = Some(1);
        e
    }

    /// 429 with Retry-After, in seconds.
    pub fn too_many(message: impl Into<String>, retry_after_s: u32) -> Self {
        let refused = Self::new(StatusCode::TOO_MANY_REQUESTS, message);
        Self { retry_after_s: Some(retry_after_s), ..refused }
    }

    /// Adds a field beside `error`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.body.insert(key.to_owned(), value.into());
        self
    }

    /// The status it answers with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The message.
    pub fn message(&self) -> &str {
        self.body.get("error").and_then(Value::as_str).unwrap_or_default()
    }

    /// The envelope of the original: `{"success":false,"error":...}`.
    #[must_use]
    pub fn enveloped(self) -> Self {
        let Value::Object(mut body) = json!({ "success": false }) else { return self };
        body.extend(self.body);
        Self { body, ..self }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(Value::Object(self.body))).into_response();
        if let Some(code) = self.code {
            response.headers_mut().insert(SB_ERROR_CODE, HeaderValue::from_static(code));
        }
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
