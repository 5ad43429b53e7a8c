//! `GET /logs`: what a run printed.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tasker_core::{LogLine, time::iso};
use tasker_http::{ApiError, Caller};
use tasker_store::TaskStore;

use crate::query::{Params, given, number, run_id};
use crate::{
    Shape,
    answer::{store_error, success},
    owner,
};

const LINES: u32 = 50;
const MOST_LINES: u32 = 10_000;

/// `?task_id=N` answers lines with level and time, `?id=N` plain strings. `limit` is how many of
/// the newest lines; they come oldest first.
pub async fn logs(
    State(state): State<crate::State>,
    caller: Caller,
    params: Params,
) -> Result<Response, ApiError> {
    let (shape, id) = match (given(&params, "task_id"), given(&params, "id")) {
        (Some(id), _) => (Shape::Enveloped, id),
        (None, Some(id)) => (Shape::Bare, id),
        (None, None) => {
            return Err(ApiError::bad_request("Missing task_id parameter").enveloped());
        }
    };
    let found = lines(&*state.store, id, &caller, &params).await.map_err(|e| shape.error(e))?;
    Ok(match shape {
        Shape::Enveloped => {
            success(json!({ "logs": found.iter().map(object).collect::<Vec<_>>() }))
        }
        Shape::Bare => {
            let text = |l: &LogLine| format!("{}: {}", l.level, l.message);
            let logs: Vec<String> = found.iter().map(text).collect();
            Json(json!({ "logs": logs, "vm_logs": [] })).into_response()
        }
    })
}

async fn lines(
    store: &dyn TaskStore,
    id: &str,
    caller: &Caller,
    params: &Params,
) -> Result<Vec<LogLine>, ApiError> {
    let limit = number(params, "limit", LINES, MOST_LINES)?;
    let run = owner::run(store, run_id(id)?, caller).await?;
    store.logs(run.id, limit).await.map_err(store_error)
}

fn object(line: &LogLine) -> Value {
    json!({ "level": line.level, "message": line.message, "at": iso(line.at_ms) })
}
