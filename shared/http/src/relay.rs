//! What Supabase's gateways do for every function: methods, encodings, pace, plain error bodies.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, StatusCode, header};

use crate::{ApiError, body::Paced};

/// Longest error text that is put into JSON.
const TEXT: usize = 4 << 10;

/// What some function of Supabase may be called with.
const ALLOW: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// The layer: outside of every service, inside of CORS.
pub async fn relay(request: Request, next: Next) -> Response {
    if let Some(refusal) = refusal(&request) {
        let mut answer = refusal.into_response();
        if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
            answer.headers_mut().insert(header::ALLOW, ALLOW);
        }
        return answer;
    }
    let (parts, body) = request.into_parts();
    let (body, cut) = Paced::new(body);
    let response = next.run(Request::from_parts(parts, Body::new(body))).await;
    if cut.happened() {
        let status = StatusCode::REQUEST_TIMEOUT;
        let error = ApiError::coded(status, code(status), "The body came too slowly");
        return ([(header::CONNECTION, "close")], error).into_response();
    }
    as_json(response).await
}

fn refusal(request: &Request) -> Option<ApiError> {
    let known =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    if !known.contains(request.method()) {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return Some(ApiError::coded(status, "METHOD_NOT_ALLOWED", "Method not allowed"));
    }
    // A small body that unpacks to gigabytes is not unpacked at all.
    let plain = |v: &HeaderValue| v.as_bytes().eq_ignore_ascii_case(b"identity");
    let mut encodings = request.headers().get_all(header::CONTENT_ENCODING).iter();
    encodings.any(|v| !plain(v)).then(|| {
        let message = "Content-Encoding is not taken: send the body as it is";
        ApiError::coded(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_ENCODING", message)
    })
}

/// Errors of the framework are text or empty; clients look for JSON with `error` in it.
async fn as_json(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let bare = kind.is_none_or(|k| k.starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !bare {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = to_bytes(body, TEXT).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let usual = status.canonical_reason().unwrap_or("Request failed");
    let message = if text.trim().is_empty() { usual } else { text.trim() };
    let mut json = ApiError::coded(status, code(status), message).into_response();
    for (name, value) in &parts.headers {
        if ![header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name) {
            json.headers_mut().append(name, value.clone());
        }
    }
    json
}

/// Name of an error that came without one.
pub fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "NOT_FOUND",
        StatusCode::METHOD_NOT_ALLOWED => "METHOD_NOT_ALLOWED",
        StatusCode::PAYLOAD_TOO_LARGE => "PAYLOAD_TOO_LARGE",
        StatusCode::REQUEST_TIMEOUT => "REQUEST_TIMEOUT",
        s if s.is_client_error() => "BAD_REQUEST",
        _ => "INTERNAL_ERROR",
    }
}
