//! Where a service's routes are reached, and the layers around them, in one place.

use axum::{Router, extract::DefaultBodyLimit, middleware};
use http::{Request, Response};
use tower_http::{catch_panic::CatchPanicLayer, trace::TraceLayer};

use crate::{ApiError, cors};

/// Largest request body: a 10 MB result in JSON, and room for its envelope.
const BODY_LIMIT: usize = 12 << 20;

/// Mounts a service at `/functions/v1/<name>` and, for gateways that strip the prefix, `/<name>`.
pub fn mount(name: &str, service: Router) -> Router {
    // `nest` leaves out the trailing slash; clients send both.
    let slash = service.clone();
    let at = |prefix: &str| format!("{prefix}/{name}");
    Router::new()
        .nest(&at("/functions/v1"), service.clone())
        .nest(&at(""), service)
        .route(&format!("/functions/v1/{name}/"), forward(slash.clone()))
        .route(&format!("/{name}/"), forward(slash))
}

fn forward(service: Router) -> axum::routing::MethodRouter {
    axum::routing::any(move |mut request: axum::extract::Request| async move {
        *request.uri_mut() = http::Uri::from_static("/");
        tower::ServiceExt::oneshot(service, request).await
    })
}

/// The layers every process has, outermost last.
pub fn with_layers(routes: Router) -> Router {
    routes
        .fallback(|| async { ApiError::not_found("Function not found") })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            axum::response::IntoResponse::into_response(ApiError::internal("a handler panicked"))
        }))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(|r: &Request<_>| {
                    tracing::debug_span!("http", method = %r.method(), path = r.uri().path())
                })
                .on_request(())
                .on_failure(())
                .on_response(|r: &Response<_>, took: std::time::Duration, _: &tracing::Span| {
                    tracing::debug!(status = r.status().as_u16(), ms = took.as_millis(), "answered");
                }),
        )
        .layer(middleware::from_fn(cors::cors))
}
