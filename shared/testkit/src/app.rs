//! Requests to a service's routes, without a socket.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic like the tests themselves")]

use axum::{Router, body::Body};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// What a service answered.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub text: String,
}

impl Answer {
    /// The body, read.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// The error's code; empty if there is none.
    ///
    /// # Panics
    /// As [`Answer::json`] does.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends a request.
///
/// # Panics
/// When the answer breaks off or is no text.
pub async fn send(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, text }
}

/// Sends a request that has no headers.
///
/// # Panics
/// When there can be no such request, or as [`send`] does.
pub async fn request(app: &Router, method: &str, path: &str, body: &str) -> Answer {
    let body = Body::from(body.to_owned());
    send(app, Request::builder().method(method).uri(path).body(body).unwrap()).await
}
