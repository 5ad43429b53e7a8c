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
            let taking = state.clone();
            let taken = async move { chain::take(&taking, id, request.epoch).await };
            to_its_end(&state, taken).await?;
            Ok(Json(json!({ "status": "success" })))
        }
        (None, Some("process-next")) => {
            let looking = state.clone();
            let found = async move { chain::next(&looking).await };
            Ok(Json(match to_its_end(&state, found).await? {
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

/// A client that hangs up must not stop a claim half way: the row would be leased to nobody.
async fn to_its_end<T: Send + 'static>(
    state: &State,
    claim: impl Future<Output = tasker_store::Result<T>> + Send + 'static,
) -> Result<T, ApiError> {
    state.0.work.spawn(claim).await.map_err(ApiError::internal)?.map_err(refusal)
}

fn refusal(error: StoreError) -> ApiError {
    match error {
        StoreError::Unavailable(why) => ApiError::unavailable(why),
        other => ApiError::internal(other),
    }
}
