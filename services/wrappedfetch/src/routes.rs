//! The routes: requests by POST to any path, health by GET.

use axum::{
    Json, Router,
    extract::State as FromState,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tasker_http::{ApiError, JsonBody};

use crate::{State, exchange::exchange, request::Call};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// All routes of the service.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/", get(index).post(fetch).fallback(wrong_method))
        .route("/health", get(health).post(fetch).fallback(wrong_method))
        .merge(crate::openapi::document().serve())
        .fallback(axum::routing::post(fetch).fallback(elsewhere))
        .with_state(state)
}

/// What the service is and what it offers.
async fn index() -> Json<Value> {
    Json(json!({
        "service": "wrappedfetch", "version": VERSION, "status": "running",
        "endpoints": ["POST /", "GET /health"],
    }))
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "healthy", "service": "wrappedfetch", "version": VERSION }))
}

/// Sends one request to the outside.
async fn fetch(FromState(state): FromState<State>, JsonBody(call): JsonBody<Call>) -> Response {
    let asked = match call.read() {
        Ok(asked) => asked,
        Err(failure) => return failure.into_response(false),
    };
    let retry = asked.retry;
    let (method, host) =
        (asked.method.clone(), asked.url.host_str().unwrap_or_default().to_owned());
    match exchange(&state.0, asked).await {
        Ok(answer) => {
            tracing::debug!(%method, host, status = answer.status, "fetched");
            answer.into_response(retry)
        }
        Err(failure) => {
            tracing::info!(%method, host, code = failure.code(), "not fetched");
            failure.into_response(retry)
        }
    }
}

async fn elsewhere(method: Method) -> Response {
    if method == Method::GET || method == Method::HEAD {
        return ApiError::not_found("Not found").into_response();
    }
    wrong_method().await
}

async fn wrong_method() -> Response {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed").into_response()
}
