//! Hands a request on to another address, and its answer back.

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use tasker_http::ApiError;

/// Largest body.
const MOST: usize = 64 << 20;
const RELAY_ERROR: HeaderName = HeaderName::from_static("x-relay-error");

/// A client for that. Redirects are for whoever asked.
pub fn client() -> reqwest::Result<reqwest::Client> {
    tasker_http::install_crypto();
    reqwest::Client::builder()
        .no_proxy()
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

/// Sends `request` to `url`. Never twice: a retry here could repeat what a service has already
/// done. `change` may take headers out or put some in.
pub async fn forward(
    client: &reqwest::Client,
    name: &str,
    url: String,
    request: Request,
    change: impl FnOnce(&mut Parts),
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    for hop in [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH]
    {
        parts.headers.remove(hop);
    }
    change(&mut parts);
    let body = axum::body::to_bytes(body, MOST).await.map_err(|_| {
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 64 MiB")
    })?;
    let sent = client.request(parts.method, url).headers(parts.headers).body(body).send().await;
    let reply = match sent {
        Ok(reply) => reply,
        Err(error) => return Ok(unreachable(name, error)),
    };
    let mut response = Response::builder().status(reply.status());
    for (key, value) in reply.headers() {
        let own: [HeaderName; 2] = [header::CONNECTION, header::TRANSFER_ENCODING];
        if !own.contains(key) {
            response = response.header(key, value);
        }
    }
    response.body(Body::from_stream(reply.bytes_stream())).map_err(ApiError::internal)
}

/// 502 with the header that makes Supabase's clients throw their relay error.
fn unreachable(name: &str, error: reqwest::Error) -> Response {
    let why = format!("{name} cannot be reached: {}", error.without_url());
    let mut answer = ApiError::new(StatusCode::BAD_GATEWAY, why).into_response();
    answer.headers_mut().insert(RELAY_ERROR, HeaderValue::from_static("true"));
    answer
}

/// `path?query` of a request, without the slash at its beginning.
pub fn target(parts: &http::Uri) -> (&str, String) {
    let query = parts.query().map_or(String::new(), |q| format!("?{q}"));
    (parts.path().trim_start_matches('/'), query)
}
