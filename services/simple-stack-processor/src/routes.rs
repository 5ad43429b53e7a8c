//! The processor's routes.

use axum::{Json, extract::State as FromState};
use serde_json::{Value, json};
use tasker_core::wire::ProcessRequest;
use tasker_http::{ApiError, JsonBody};
use tasker_store::StoreError;

use crate::{State, chain};

/// `GET` on any path.
pub async fn health() -> Json<Value> {
    Json(json!({
        "status": "healthy",
        "service": "Simple Stack Processor",
        "version": "1.0.0",
        "architecture": "pure-http-chaining",
    }))
}

/// `POST`: takes one row. Answered as soon as the row is leased; the work is done after.
pub async fn process(
    FromState(state): FromState<State>,
    JsonBody(request): JsonBody<ProcessRequest>,
) -> Result<Json<Value>, ApiError> {
    match (request.stack_run_id, request.trigger.as_deref()) {
        (Some(id), _) => {
            chain::take(&state, id, request.epoch).await.map_err(refusal)?;
            Ok(Json(json!({ "status": "success" })))
        }
        (None, Some("process-next")) => {
            Ok(Json(match chain::next(&state).await.map_err(refusal)? {
                chain::Next::Took(id) => {
                    json!({ "status": "success", "processed": true, "stackRunId": id })
                }
                chain::Next::Nothing(reason) => {
                    json!({ "status": "success", "processed": false, "reason": reason })
                }
            }))
        }
        _ => Err(ApiError::bad_request(
            "Invalid request: must specify stackRunId or trigger=process-next",
        )),
    }
}

fn refusal(error: StoreError) -> ApiError {
    match error {
        StoreError::Unavailable(why) => ApiError::unavailable(why),
        other => ApiError::internal(other),
    }
}
