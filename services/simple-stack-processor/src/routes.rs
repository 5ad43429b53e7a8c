//! The processor's routes.

use axum::{Json, extract::State as FromState};
use serde_json::{Value, json};
use tasker_core::wire::ProcessRequest;
use tasker_http::{ApiError, JsonBodies};
use tasker_store::StoreError;

use crate::{State, outcome, scheduler};

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
    JsonBodies(requests): JsonBodies<ProcessRequest>,
) -> Result<Json<Value>, ApiError> {
    let mut answer = json!({ "status": "success" });
    for request in requests {
        answer = one(&state, request).await?;
    }
    Ok(Json(answer))
}

async fn one(state: &State, request: ProcessRequest) -> Result<Value, ApiError> {
    if let Some(report) = &request.report {
        outcome::hear(state, report)?;
        return Ok(json!({ "status": "success" }));
    }
    match (request.stack_run_id, request.trigger.as_deref()) {
        (Some(id), _) => {
            scheduler::take(state, id).await.map_err(refusal)?;
            Ok(json!({ "status": "success" }))
        }
        (None, Some("process-next")) => {
            Ok(match scheduler::next(state).await.map_err(refusal)? {
                scheduler::Next::Took(id) => {
                    json!({ "status": "success", "processed": true, "stackRunId": id })
                }
                scheduler::Next::Nothing(reason) => {
                    json!({ "status": "success", "processed": false, "reason": reason })
                }
            })
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
