//! `POST /pause` and `POST /resume`: a run stops at its next quiet point, and goes on.

use axum::{extract::State, response::Response};
use serde_json::json;
use tasker_core::TaskRunId;
use tasker_http::ApiError;

use crate::{
    answer::{store_error, success},
    body::{Body, Fields},
};

/// `{"taskRunId": n}`. What is under way ends, and nothing new begins.
pub async fn pause(State(state): State<crate::State>, body: Body) -> Result<Response, ApiError> {
    set(&state, body, true).await.map_err(ApiError::enveloped)
}

/// `{"taskRunId": n}`. Timers that fell due meanwhile fire at once.
pub async fn resume(State(state): State<crate::State>, body: Body) -> Result<Response, ApiError> {
    set(&state, body, false).await.map_err(ApiError::enveloped)
}

async fn set(state: &crate::State, body: Body, paused: bool) -> Result<Response, ApiError> {
    let run = TaskRunId(Fields::new(body)?.id("taskRunId")?);
    let done = state.store.pause(run, paused).await.map_err(store_error)?;
    if done.wake {
        state.wake_processor();
    }
    tracing::info!(task_run = %run, paused, "paused or resumed");
    Ok(success(json!({ "taskRunId": run, "paused": paused })))
}
