//! `POST /cancel`: ends a run that is not wanted any more.

use axum::{extract::State, response::Response};
use serde_json::json;
use tasker_core::TaskRunId;
use tasker_http::ApiError;

use crate::{
    answer::{store_error, success},
    body::{Body, Fields},
};

/// `{"taskRunId": n}`. The runs that its calls became are cancelled with it. Asked twice, it is
/// done once; a run that ended otherwise is 409 with its status.
pub async fn cancel(State(state): State<crate::State>, body: Body) -> Result<Response, ApiError> {
    cancel_in(&state, body).await.map_err(ApiError::enveloped)
}

async fn cancel_in(state: &crate::State, body: Body) -> Result<Response, ApiError> {
    let run = TaskRunId(Fields::new(body)?.id("taskRunId")?);
    let done = state.store.cancel(run).await.map_err(store_error)?;
    if done.wake {
        state.wake_processor();
    }
    tracing::info!(task_run = %run, "cancelled");
    Ok(success(json!({ "taskRunId": run, "status": "cancelled" })))
}
