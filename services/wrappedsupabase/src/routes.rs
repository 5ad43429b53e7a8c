//! The routes: chains by POST to any path, health by GET.

mod health;
mod query;

use axum::{
    Router,
    routing::{get, post},
};
use http::StatusCode;
use tasker_http::ApiError;

use crate::State;

/// All routes of the service.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/health", get(health::health).post(query::query).fallback(wrong_method))
        .route("/", post(query::query).fallback(wrong_method))
        .merge(crate::openapi::document().serve())
        .fallback(post(query::query).fallback(wrong_method))
        .with_state(state)
}

async fn wrong_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
}
