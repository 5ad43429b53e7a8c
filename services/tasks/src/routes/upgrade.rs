//! `POST /upgrade`: open runs go on on the newest version of their code, where it makes the calls
//! that they have made.

use std::time::Duration;

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde_json::{Value, json};
use tasker_core::{Status, TaskRunId, wire::UpgradeRequest};
use tasker_http::ApiError;
use tasker_store::RunFilter;

use crate::{
    answer::{store_error, success},
    body::{Body, Fields},
};

/// Most runs of one request; the newest first.
const MOST: u32 = 500;
/// How long the executor may take for one run's replay.
const REPLAY: Duration = Duration::from_secs(60);

/// `{"taskRunId": n, "dryRun"?: bool}` for one run, or `{"task_identifier": "name"}` for the open
/// runs of a task. Answers what became of each: `moved`, `matches` (a dry run), `current`,
/// `refused` with the error and the call that differs, or `busy`.
pub async fn upgrade(State(state): State<crate::State>, body: Body) -> Result<Response, ApiError> {
    upgrade_in(&state, body).await.map_err(ApiError::enveloped)
}

async fn upgrade_in(state: &crate::State, body: Body) -> Result<Response, ApiError> {
    let fields = Fields::new(body)?;
    let dry_run = fields.flag("dryRun")?;
    match fields.text("task_identifier")? {
        Some(name) if fields.has("taskRunId") => Err(ApiError::bad_request(format!(
            "send 'taskRunId' for one run or 'task_identifier' for all open runs of {name}, not both"
        ))),
        Some(name) => all(state, name, dry_run).await,
        None => {
            let run = TaskRunId(fields.id("taskRunId")?);
            Ok(success(one(state, run, dry_run).await?))
        }
    }
}

async fn one(state: &crate::State, run: TaskRunId, dry_run: bool) -> Result<Value, ApiError> {
    let body = UpgradeRequest { task_run_id: run, dry_run };
    let reply = state.peers.post("deno-executor", "/upgrade", &body, &[], REPLAY).await;
    let reply = reply.map_err(|e| ApiError::unavailable(e.to_string()))?;
    let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status.is_success() {
        return Ok(said);
    }
    let message = said["error"].as_str().unwrap_or("the executor gave no reason").to_owned();
    let refused = match reply.status {
        StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE => {
            ApiError::new(reply.status, message)
        }
        status => ApiError::internal(format!("the executor answered {status}: {message}")),
    };
    Err(match said.get("status") {
        Some(status) => refused.with("status", status.clone()),
        None => refused,
    })
}

async fn all(state: &crate::State, name: String, dry_run: bool) -> Result<Response, ApiError> {
    if state.store.function(&name).await.map_err(store_error)?.is_none() {
        return Err(ApiError::not_found(format!("Task '{name}' not found")));
    }
    let mut open = Vec::new();
    for status in [Status::Processing, Status::Pending] {
        let name = Some(name.clone());
        // One more than are moved says whether there are more.
        let of = RunFilter { status: Some(status), name, limit: MOST + 1, owner: None };
        open.extend(state.store.runs(&of).await.map_err(store_error)?);
    }
    let more = open.len() > MOST as usize;
    open.truncate(MOST as usize);
    let mut runs = Vec::with_capacity(open.len());
    for run in open {
        runs.push(match one(state, run.id, dry_run).await {
            Ok(done) => done,
            // It ended meanwhile, or does not stand still: that is no failure of the others.
            Err(refused) if refused.status() == StatusCode::CONFLICT => {
                json!({ "taskRunId": run.id, "status": "busy", "message": refused.message() })
            }
            Err(other) => return Err(other),
        });
    }
    Ok(success(json!({ "task_identifier": name, "runs": runs, "more": more })))
}
