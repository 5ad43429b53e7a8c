//! CORS as browsers behind Supabase's gateway expect it, on every answer.

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

/// What Supabase's current clients send, and ours.
const ALLOWED: HeaderValue = HeaderValue::from_static(
    "authorization, x-client-info, apikey, content-type, x-retry-count, traceparent, tracestate, \
     baggage, x-region, idempotency-key",
);

const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED),
    (
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    ),
    (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("sb-error-code, retry-after, x-relay-error"),
    ),
];

/// Answers preflights itself and adds the headers to whatever the service answers.
pub async fn cors(request: Request, next: Next) -> Response {
    if request.method() == Method::OPTIONS {
        return preflight(request.headers());
    }
    let mut response = next.run(request).await;
    response.headers_mut().extend(HEADERS.map(|(name, value)| (Some(name), value)));
    response
}

/// A client may ask for headers that did not exist when this was built: it gets what it asks for.
fn preflight(asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.extend(HEADERS.map(|(name, value)| (Some(name), value)));
    if let Some(wanted) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        let vary = HeaderValue::from_static("access-control-request-headers");
        headers.insert(header::VARY, vary);
    }
    response
}
