//! The routes, relative to where the service is mounted.

mod health;
mod invoke;
mod utility;

use axum::Router;
use axum::extract;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get};

use http::{Method, Uri};
use tasker_http::Direct;

use crate::State;

/// Room for Gmail's largest message in base64.
const BODY_LIMIT: usize = 50 << 20;

/// Calls of processors, straight to their handler.
pub fn direct(state: &State) -> Direct {
    let state = state.clone();
    Direct::default().with("wrappedgapi", "", move |headers, body| {
        let (state, root) = (extract::State(state.clone()), Uri::from_static("/"));
        invoke::invoke(state, Method::POST, root, headers, body)
    })
}

/// The service's routes: `/health`, and calls at every other path.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/health", get(health::health).post(invoke::invoke))
        .route("/", any(invoke::invoke))
        .merge(crate::openapi::document().serve())
        .route("/{*rest}", any(invoke::invoke))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(state)
}
