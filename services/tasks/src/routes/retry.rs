//! `POST /retry`: a run that failed goes on from its last failed step.

use axum::{extract::State, response::Response};
use serde_json::json;
use tasker_core::TaskRunId;
use tasker_http::ApiError;
use tasker_store::Retry;

use crate::{
    answer::{store_error, success},
    body::{Body, Fields},
};

/// `{"taskRunId": n, "newestCode"?: bool, "timeoutMs"?: n}`. Outcomes so far are kept. 409 with
/// the status if the run is open or completed.
pub async fn retry(State(state): State<crate::State>, body: Body) -> Result<Response, ApiError> {
    retry_in(&state, body).await.map_err(ApiError::enveloped)
}

async fn retry_in(state: &crate::State, body: Body) -> Result<Response, ApiError> {
    let fields = Fields::new(body)?;
    let run = TaskRunId(fields.id("taskRunId")?);
    let how = Retry { newest_code: fields.flag("newestCode")?, timeout_ms: fields.timeout()? };
    state.store.retry(run, how).await.map_err(store_error)?;
    state.wake_processor();
    tracing::info!(task_run = %run, newest_code = how.newest_code, "retried");
    Ok(success(json!({ "taskRunId": run, "status": "pending_resume" })))
}
