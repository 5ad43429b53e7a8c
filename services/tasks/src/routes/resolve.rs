//! `POST /resolve`: a person says what became of a call that is `needs_attention`.

use axum::{extract::State, response::Response};
use serde_json::json;
use tasker_core::{Json, StackRunId, TaskError, json as raw};
use tasker_http::ApiError;
use tasker_store::Resolution;

use crate::{
    answer::{store_error, success},
    body::{Body, Fields},
};

/// `{"stackRunId": n, "resolution": "completed"|"retry"|"failed", "result"?, "error"?}`.
pub async fn resolve(State(state): State<crate::State>, body: Body) -> Result<Response, ApiError> {
    resolve_in(&state, body).await.map_err(ApiError::enveloped)
}

async fn resolve_in(state: &crate::State, body: Body) -> Result<Response, ApiError> {
    let mut fields = Fields::new(body)?;
    let call = StackRunId(fields.id("stackRunId")?);
    let word = fields.text("resolution")?.unwrap_or_default();
    let how = resolution(&word, &mut fields)?;
    state.store.resolve(call, &how).await.map_err(store_error)?;
    state.wake_processor();
    tracing::info!(stack_run = %call, resolution = word, "resolved by hand");
    Ok(success(json!({ "stackRunId": call, "resolution": word })))
}

fn resolution(word: &str, fields: &mut Fields) -> Result<Resolution, ApiError> {
    match word {
        "completed" => fields.take("result").map(|r| Resolution::Outcome(Ok(r))).ok_or_else(|| {
            ApiError::bad_request(
                "'result' is missing: what the call answered (null is a result) goes with \
                 \"resolution\": \"completed\"",
            )
        }),
        "retry" => Ok(Resolution::Again),
        "failed" => Ok(Resolution::Outcome(Err(error(fields)?))),
        _ => Err(ApiError::bad_request(
            "'resolution' must be \"completed\" (it happened; send its 'result'), \"retry\" (send it \
             again) or \"failed\" (it did not happen)",
        )),
    }
}

/// The error that task code catches: as sent if it is an object with a message.
fn error(fields: &mut Fields) -> Result<Json, ApiError> {
    let said = fields.take("error");
    let object = said.as_ref().filter(|e| e.get().starts_with('{'));
    if let Some(error) = object {
        return match serde_json::from_str::<TaskError>(error.get()) {
            Ok(_) => Ok(error.clone()),
            Err(_) => Err(ApiError::bad_request(
                "'error' must be text or an object with 'name' and 'message'",
            )),
        };
    }
    let text = match said {
        Some(text) => serde_json::from_str::<Option<String>>(text.get())
            .map_err(|_| ApiError::bad_request("'error' must be text or an object"))?,
        None => None,
    };
    let message = text.unwrap_or_else(|| "a person decided that this call failed".to_owned());
    Ok(raw::of(&TaskError::new("ResolvedAsFailed", message)))
}
