//! Where a service's routes are reached, and the layers around them, in one place.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{self, DefaultBodyLimit, Extension},
    middleware::{self, Next},
    routing::get,
};
use http::{Request, Response, StatusCode};
use tokio_util::task::TaskTracker;
use tower_http::{catch_panic::CatchPanicLayer, trace::TraceLayer};

use crate::{ApiError, Gate, cors, gate, proxy, relay};

/// Largest request body: a 10 MB result in JSON, and room for its envelope.
pub(crate) const BODY_LIMIT: usize = 12 << 20;

/// Mounts a service at `/functions/v1/<name>` and, for gateways that strip the prefix, `/<name>`,
/// behind its gate.
pub fn mount(name: &str, service: Router) -> Router {
    let service = service.layer(middleware::from_fn_with_state(Arc::from(name), gate::guard));
    let proxied = proxy::routes(name, &service);
    // `nest` leaves out the trailing slash; clients send both.
    let slash = service.clone();
    let at = |prefix: &str| format!("{prefix}/{name}");
    Router::new()
        .nest(&at("/functions/v1"), service.clone())
        .nest(&at(""), service)
        .route(&format!("/functions/v1/{name}/"), forward(slash.clone()))
        .route(&format!("/{name}/"), forward(slash))
        .merge(proxied)
}

fn forward(service: Router) -> axum::routing::MethodRouter {
    axum::routing::any(move |mut request: axum::extract::Request| async move {
        *request.uri_mut() = http::Uri::from_static("/");
        tower::ServiceExt::oneshot(service, request).await
    })
}

/// Routes for requests that do not leave their process: no guard of the outside is between.
pub(crate) fn within(routes: Router) -> Router {
    routes.layer(DefaultBodyLimit::max(BODY_LIMIT)).layer(panics())
}

type Panic = Box<dyn std::any::Any + Send>;

fn panics() -> CatchPanicLayer<impl Fn(Panic) -> axum::response::Response + Clone> {
    CatchPanicLayer::custom(|_: Panic| {
        axum::response::IntoResponse::into_response(ApiError::internal("a handler panicked"))
    })
}

/// The layers every process has, outermost last.
pub fn with_layers(routes: Router) -> Router {
    let unknown = || ApiError::coded(StatusCode::NOT_FOUND, "NOT_FOUND", "Function not found");
    routes
        .route("/_internal/health", get(|| async { Json(serde_json::json!({ "message": "ok" })) }))
        .fallback(async move || unknown())
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(panics())
        .layer(middleware::from_fn(relay::relay))
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

/// A layer under which a handler runs to its end though its client hangs up, where stopping it half way
/// would leave something undone that nobody else does. A drain waits for what `work` counts.
///
/// # Errors
/// The handler panicked.
pub async fn to_its_end(
    extract::State(work): extract::State<TaskTracker>,
    request: extract::Request,
    next: Next,
) -> Result<axum::response::Response, ApiError> {
    work.spawn(next.run(request)).await.map_err(ApiError::internal)
}

/// [`with_layers`], and `gate` for every mounted service.
pub fn with_gate(routes: Router, gate: Gate) -> Router {
    with_layers(routes).layer(Extension(gate))
}
