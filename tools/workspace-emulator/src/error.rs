//! Errors in the shapes that Google uses.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::Answer;

/// A refusal by the Directory or Gmail.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code} {reason}: {message}")]
pub struct ApiError {
    /// HTTP status.
    pub code: u16,
    /// For people.
    pub message: String,
    /// `global` or `usageLimits`.
    pub domain: &'static str,
    /// For programs, like `notFound`.
    pub reason: String,
    /// The parameter or header that is wrong: its place and name.
    pub location: Option<(&'static str, String)>,
}

/// Google's words, with a project that there is not.
const NOT_ENABLED: &str = "Admin SDK API has not been used in project 123456789012 before or it is disabled. Enable \
    it by visiting https://console.developers.google.com/apis/api/admin.googleapis.com/overview?project=123456789012 \
    then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and \
    retry.";

impl ApiError {
    /// An error of the `global` domain.
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        let (message, reason) = (message.into(), reason.to_owned());
        Self { code, message, domain: "global", reason, location: None }
    }

    /// 400 about one parameter.
    pub fn parameter(name: &str, message: impl Into<String>) -> Self {
        let location = Some(("parameter", name.to_owned()));
        Self { location, ..Self::new(400, "invalidParameter", message) }
    }

    /// 401: no token, or one that does not count.
    pub fn invalid_credentials() -> Self {
        let location = Some(("header", "Authorization".to_owned()));
        Self { location, ..Self::new(401, "authError", "Invalid Credentials") }
    }

    /// 403: the token lacks every scope that the method takes.
    pub fn insufficient_scopes() -> Self {
        let message = "Request had insufficient authentication scopes.";
        Self::new(403, "insufficientPermissions", message)
    }

    /// 404 as Gmail words it.
    pub fn not_found() -> Self {
        Self::new(404, "notFound", "Requested entity was not found.")
    }

    /// 400: the user has no mailbox.
    pub fn failed_precondition() -> Self {
        Self::new(400, "failedPrecondition", "Precondition check failed.")
    }

    /// The error that a status stands for when it is injected.
    pub fn injected(code: u16, reason: Option<&str>) -> Self {
        let (known, message, limits) = match code {
            401 => return Self::invalid_credentials(),
            403 => ("userRateLimitExceeded", "User Rate Limit Exceeded", true),
            404 => return Self::not_found(),
            429 => ("rateLimitExceeded", "Rate Limit Exceeded", true),
            500 => ("backendError", "Backend Error", false),
            503 => ("backendError", "The service is currently unavailable.", false),
            400..=499 => ("badRequest", "Bad Request", false),
            _ => ("backendError", "Internal error encountered.", false),
        };
        let reason = reason.unwrap_or(known);
        if reason == "accessNotConfigured" {
            return Self { domain: "usageLimits", ..Self::new(code, reason, NOT_ENABLED) };
        }
        let limits = limits && (reason.ends_with("Exceeded"));
        let domain = if limits { "usageLimits" } else { "global" };
        Self { domain, ..Self::new(code, reason, message) }
    }

    /// Google's JSON.
    pub fn to_json(&self) -> Value {
        let mut detail = json!({
            "message": self.message, "domain": self.domain, "reason": self.reason,
        });
        if let Some((kind, name)) = &self.location {
            detail["location"] = json!(name);
            detail["locationType"] = json!(kind);
        }
        let mut error = json!({ "code": self.code, "message": self.message, "errors": [detail] });
        if let Some(status) = self.status() {
            error["status"] = json!(status);
        }
        json!({ "error": error })
    }

    fn status(&self) -> Option<&'static str> {
        Some(match (self.code, self.reason.as_str()) {
            (400, "failedPrecondition") => "FAILED_PRECONDITION",
            (400, _) => "INVALID_ARGUMENT",
            (401, _) => "UNAUTHENTICATED",
            (403, _) => "PERMISSION_DENIED",
            (404, _) => "NOT_FOUND",
            (429, _) => "RESOURCE_EXHAUSTED",
            (500, _) => "INTERNAL",
            (503, _) => "UNAVAILABLE",
            _ => return None,
        })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Answer::verbatim(self.to_json())).into_response();
        let realm = r#"Bearer realm="https://accounts.google.com/""#;
        let challenge = match (self.code, self.reason.as_str()) {
            (401, _) => HeaderValue::from_static(realm),
            (403, "insufficientPermissions") => HeaderValue::from_static(
                r#"Bearer realm="https://accounts.google.com/", error="insufficient_scope""#,
            ),
            _ => return response,
        };
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        response
    }
}

/// Reads a JSON body; an empty one counts as `{}`.
///
/// # Errors
/// 400 in Google's words if the body is no JSON, or not of the method's shape.
pub fn read_body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| {
        let message = format!("Invalid JSON payload received. {error}");
        ApiError::new(400, "parseError", message)
    })
}

/// A refusal by the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
pub struct TokenError {
    /// OAuth's error code.
    pub error: &'static str,
    /// For people.
    pub description: String,
}

impl TokenError {
    /// An error with its description.
    pub fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { error, description: description.into() }
    }
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let status = match self.error {
            "unauthorized_client" | "invalid_client" => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = json!({ "error": self.error, "error_description": self.description });
        (status, Answer::verbatim(body)).into_response()
    }
}
