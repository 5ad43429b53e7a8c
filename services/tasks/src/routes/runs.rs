//! `GET /runs`: newest runs, without their results.

use axum::{extract::State, response::Response};
use serde_json::{Value, json};
use tasker_core::{Json, Status, TaskError, TaskRun, time::iso};
use tasker_http::ApiError;
use tasker_store::RunFilter;

use crate::answer::{store_error, success};
use crate::query::{Params, given, number};

const RUNS: u32 = 20;
const MOST_RUNS: u32 = 500;
/// Characters of an error that a line of a list has room for.
const HEADLINE: usize = 300;

/// `?status=&task=&limit=`.
pub async fn runs(State(state): State<crate::State>, params: Params) -> Result<Response, ApiError> {
    let filter = filter(&params).map_err(ApiError::enveloped)?;
    let found = state.store.runs(&filter).await.map_err(|e| store_error(e).enveloped())?;
    Ok(success(json!({ "runs": found.iter().map(entry).collect::<Vec<_>>() })))
}

fn filter(params: &Params) -> Result<RunFilter, ApiError> {
    let status = given(params, "status").map(str::parse::<Status>).transpose().map_err(|_| {
        let known = Status::ALL.map(Status::as_str).join(", ");
        ApiError::bad_request(format!("'status' must be one of {known}"))
    })?;
    let name = given(params, "task").map(str::to_owned);
    let limit = number(params, "limit", RUNS, MOST_RUNS)?;
    Ok(RunFilter { status, name, owner: None, limit })
}

fn entry(run: &TaskRun) -> Value {
    json!({
        "id": run.id,
        "task_name": run.task_name,
        "status": run.status,
        "calls": run.calls,
        "created_at": iso(run.created_at),
        "updated_at": iso(run.updated_at),
        "ended_at": run.ended_at.map(iso),
        "error": run.error.as_ref().map(headline),
    })
}

/// One sentence of an error: a task may have thrown anything.
fn headline(error: &Json) -> String {
    let text = serde_json::from_str::<TaskError>(error.get())
        .map(|e| e.headline())
        .or_else(|_| serde_json::from_str::<String>(error.get()))
        .unwrap_or_else(|_| error.get().to_owned());
    text.chars().take(HEADLINE).collect()
}
