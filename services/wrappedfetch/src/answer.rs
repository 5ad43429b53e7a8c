//! A response as JSON.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Version, header};
use hyper::ext::ReasonPhrase;
use serde::Serialize;
use serde_json::json;

/// What the target answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The last URL.
    pub url: String,
    /// Whether it is another than the first.
    pub redirected: bool,
    /// HTTP status.
    pub status: u16,
    /// Its words.
    pub status_text: String,
    /// Names and values; one character of a value is one byte.
    pub headers: Vec<(String, String)>,
    /// The body, if it is UTF-8 text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The body, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

impl Answer {
    /// The body, as JSON can carry it.
    pub fn with_body(mut self, body: Bytes) -> Self {
        match String::from_utf8(body.into()) {
            Ok(text) => self.text = Some(text),
            Err(binary) => self.base64 = Some(STANDARD.encode(binary.as_bytes())),
        }
        self
    }

    /// The service's answer. `retry`: a failure of the target is one of the service, with the
    /// target's answer inside, so that the engine can try again.
    pub fn into_response(self, retry: bool) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_GATEWAY);
        if !retry || !(status.is_client_error() || status.is_server_error()) {
            return Json(self).into_response();
        }
        let after = self.headers.iter().find(|(name, _)| name == header::RETRY_AFTER.as_str());
        let after = after.and_then(|(_, value)| value.parse().ok());
        let message = format!("the target answered {}", self.status);
        let body = json!({
            "error": { "code": "Status", "name": "FetchError", "message": message },
            "response": self,
        });
        let mut response = (status, Json(body)).into_response();
        if let Some(after) = after {
            response.headers_mut().insert(header::RETRY_AFTER, after);
        }
        response
    }
}

/// The words after the status: those that were sent, which HTTP/2 has not.
pub fn status_text(parts: &http::response::Parts) -> String {
    if let Some(phrase) = parts.extensions.get::<ReasonPhrase>() {
        return latin1(phrase.as_bytes());
    }
    if parts.version >= Version::HTTP_2 {
        return String::new();
    }
    parts.status.canonical_reason().unwrap_or_default().to_owned()
}

/// Names and values.
pub fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_string(), latin1(value.as_bytes()))).collect()
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
