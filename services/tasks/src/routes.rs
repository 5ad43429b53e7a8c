//! The routes, one module each. Paths are relative to the mount point.

mod attention;
mod cancel;
mod execute;
mod flows;
mod index;
mod list;
mod logs;
mod pause;
mod publish;
mod resolve;
mod retry;
mod runs;
mod schema;
mod status;
mod upgrade;

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
        .route("/", get(index::index).post(execute::execute))
        .route("/health", get(index::health))
        .route("/execute", post(execute::execute))
        .route("/publish", post(publish::publish))
        .route("/status", get(status::newest))
        .route("/status/{id}", get(status::one))
        .route("/logs", get(logs::logs))
        .route("/list", get(list::list))
        .route("/runs", get(runs::runs))
        .route("/schema", get(schema::schema))
        .route("/cancel", post(cancel::cancel))
        .route("/pause", post(pause::pause))
        .route("/resume", post(pause::resume))
        .route("/retry", post(retry::retry))
        .route("/upgrade", post(upgrade::upgrade))
        .route("/flows", post(flows::publish))
        .route("/flows/execute", post(flows::execute))
        .route("/flows/resume", post(flows::resume))
        .route("/flows/{id}", get(flows::get).delete(flows::delete))
        .route("/attention", get(attention::attention))
        .route("/resolve", post(resolve::resolve))
        .merge(crate::openapi::document().serve())
        // Clients of the older generation post to any path.
        .fallback(execute::elsewhere)
        .method_not_allowed_fallback(wrong_method)
        .with_state(state)
}

async fn wrong_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed").enveloped()
}
