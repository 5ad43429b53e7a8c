//! `POST /check`: whether code compiles. Nothing of it runs, nothing is kept.

use axum::{Json, extract::State as FromState};
use serde_json::{Value, json};
use tasker_core::wire::CheckRequest;
use tasker_http::{ApiError, JsonBody};

use crate::{State, answer};

/// `{"taskName","taskCode"}`. Answers `{"status":"ok"}`, or `{"status":"error","errors":[...]}`
/// with line and column in the source.
pub async fn check(
    FromState(state): FromState<State>,
    JsonBody(request): JsonBody<CheckRequest>,
) -> Result<Json<Value>, ApiError> {
    let CheckRequest { task_name, task_code } = request;
    let error = state.runs.check(task_name, task_code).await.map_err(answer::refusal)?;
    Ok(Json(match error {
        None => json!({ "status": "ok", "errors": [] }),
        Some(error) => json!({ "status": "error", "errors": [error] }),
    }))
}
