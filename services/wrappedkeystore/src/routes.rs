//! The routes: requests by POST to any path, health by GET.

mod health;
mod keys;

use axum::{Router, routing::get};
use http::{Method, StatusCode};
use tasker_http::ApiError;

use crate::State;

/// All routes of the service.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/", get(health::index).post(keys::call).fallback(wrong_method))
        .route("/health", get(health::health).post(keys::call).fallback(wrong_method))
        .merge(crate::openapi::document().serve())
        .fallback(axum::routing::post(keys::call).fallback(elsewhere))
        .with_state(state)
}

async fn elsewhere(method: Method) -> ApiError {
    if method == Method::GET || method == Method::HEAD {
        return ApiError::not_found("Not found").enveloped();
    }
    wrong_method().await
}

async fn wrong_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed").enveloped()
}
