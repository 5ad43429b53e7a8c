//! `GET /status`: how a run does.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;
use tasker_core::{StackRun, Status, TaskRun, time::iso};
use tasker_http::{ApiError, Caller};
use tasker_store::{RunFilter, TaskStore};

use crate::query::{Params, given, number, run_id};
use crate::{
    answer::{store_error, success},
    owner,
};

/// Rows of one answer, unless the client says otherwise.
const ROWS: u32 = 200;
const MOST_ROWS: u32 = 1000;

/// A row of `task_runs` and the first rows of its stack.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    run: TaskRun,
    /// Rows the run has: its root and its calls.
    stack_run_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_runs: Option<Vec<StackRun>>,
    /// `after` of the next page, when there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<i64>,
}

#[derive(Serialize)]
struct Progress {
    /// Calls made so far.
    calls: u32,
    /// The call it waits for, e.g. `wrappedgapi.gmail.users.messages.get`.
    waiting_on: Option<String>,
    /// That call's own state.
    waiting_status: Option<Status>,
}

/// `GET /status?id=N` (or `taskRunId=N`) answers one run, `GET /status` the ten newest.
pub async fn newest(
    State(state): State<crate::State>,
    caller: Caller,
    params: Params,
) -> Result<Response, ApiError> {
    if let Some(id) = given(&params, "id").or_else(|| given(&params, "taskRunId")) {
        return answer(&*state.store, id, &caller, &params).await;
    }
    if params.contains_key("id") || params.contains_key("taskRunId") {
        return Err(ApiError::bad_request("Missing taskRunId parameter"));
    }
    let owner = caller.owner().map(str::to_owned);
    let newest = RunFilter { limit: 10, owner, ..RunFilter::default() };
    let runs = state.store.runs(&newest).await.map_err(|e| store_error(e).enveloped())?;
    let short = |r: &TaskRun| {
        json!({
            "id": r.id, "task_name": r.task_name, "status": r.status,
            "created_at": iso(r.created_at), "updated_at": iso(r.updated_at),
        })
    };
    Ok(success(json!({ "task_runs": runs.iter().map(short).collect::<Vec<_>>() })))
}

/// `GET /status/N`.
pub async fn one(
    State(state): State<crate::State>,
    Path(id): Path<String>,
    caller: Caller,
    params: Params,
) -> Result<Response, ApiError> {
    answer(&*state.store, &id, &caller, &params).await
}

/// The run with a page of its rows; `stack_runs=0` leaves the rows out, for those who poll.
async fn answer(
    store: &dyn TaskStore,
    id: &str,
    caller: &Caller,
    params: &Params,
) -> Result<Response, ApiError> {
    let limit = number(params, "limit", ROWS, MOST_ROWS)?;
    let after = number(params, "after", 0, u32::MAX)?;
    let run = owner::run(store, run_id(id)?, caller).await?;
    // A run has its root row and one for each call.
    let stack_run_count = run.calls + 1;
    if given(params, "stack_runs") == Some("0") {
        let (progress, stack_runs, next_after) = (None, None, None);
        let body = Answer { run, stack_run_count, progress, stack_runs, next_after };
        return Ok(Json(body).into_response());
    }
    let rows = store.stack_runs(run.id, after.into(), limit).await.map_err(store_error)?;
    let progress = Some(progress(store, &run, &rows).await?);
    let full = limit > 0 && rows.len() == limit as usize;
    let next_after = rows.last().filter(|_| full).map(|r| r.id.0);
    let body = Answer { run, stack_run_count, progress, stack_runs: Some(rows), next_after };
    Ok(Json(body).into_response())
}

async fn progress(
    store: &dyn TaskStore,
    run: &TaskRun,
    rows: &[StackRun],
) -> Result<Progress, ApiError> {
    let waiting = match run.waiting_on_stack_run_id {
        None => None,
        Some(id) => match rows.iter().find(|r| r.id == id) {
            Some(row) => Some(row.clone()),
            // It lies on a later page.
            None => {
                let found = store.stack_runs(run.id, id.0 - 1, 1).await.map_err(store_error)?;
                found.into_iter().next()
            }
        },
    };
    Ok(Progress {
        calls: run.calls,
        waiting_on: waiting.as_ref().map(|r| format!("{}.{}", r.service_name, r.method_name)),
        waiting_status: waiting.map(|r| r.status),
    })
}
