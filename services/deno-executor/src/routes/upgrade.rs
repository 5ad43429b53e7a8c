//! `POST /upgrade`: an open run goes on on the newest version of its code, if that makes the calls
//! which the run has made.

use axum::{Json, extract::State as FromState};
use serde_json::{Value, json};
use tasker_core::{TaskError, TaskRunId, run::Rejected, wire::UpgradeRequest};
use tasker_http::{ApiError, JsonBody};
use tasker_store::StoreError;

use crate::{State, answer, runs::RunError, upgrade::Upgraded, wake};

/// `{"taskRunId", "dryRun"?}`. Answers `status`: `moved`, `matches` (a dry run), `current` (it is
/// on the newest version) or `refused`, with the error and, if that is so, the call that differs.
pub async fn upgrade(
    FromState(state): FromState<State>,
    JsonBody(request): JsonBody<UpgradeRequest>,
) -> Result<Json<Value>, ApiError> {
    let run = request.task_run_id;
    let done = state.runs.upgrade(run, request.dry_run).await.map_err(refusal)?;
    if matches!(done, Upgraded::Moved { .. }) {
        wake(&state.peers);
    }
    let message = message(run, &done);
    let (status, from, to, rest) = match done {
        Upgraded::Current(version) => ("current", version, version, Value::Null),
        Upgraded::Matches { from, to, calls } => ("matches", from, to, json!({ "calls": calls })),
        Upgraded::Moved { from, to, calls } => ("moved", from, to, json!({ "calls": calls })),
        Upgraded::Refused { from, to, error } => ("refused", from, to, json!({ "error": error })),
    };
    let mut body = json!({
        "taskRunId": run, "status": status, "from": from, "to": to, "message": message,
    });
    if let (Some(body), Value::Object(rest)) = (body.as_object_mut(), rest) {
        body.extend(rest);
    }
    Ok(Json(body))
}

/// What became of it, for a person.
fn message(run: TaskRunId, done: &Upgraded) -> String {
    match done {
        Upgraded::Current(version) => format!("run {run} is on version {version}, the newest"),
        Upgraded::Matches { from, to, calls } => {
            format!("run {run} can go from version {from} to {to}: {calls} calls are the same")
        }
        Upgraded::Moved { from, to, calls } => {
            format!("run {run} goes on on version {to} (was {from}): {calls} calls are the same")
        }
        Upgraded::Refused { from, to, error } => {
            format!("run {run} stays on version {from}: {}", why(*to, error))
        }
    }
}

fn why(to: i64, error: &Value) -> String {
    let said = |v: &Value| v.as_str().map(str::to_owned);
    let differs = &error["details"];
    let (call, was) = (differs["call"].as_u64(), said(&differs["recorded"]));
    match (call, was, said(&differs["asked"])) {
        (Some(call), Some(was), Some(now)) => {
            format!("call {call} differs\n  recorded   {was}\n  version {to}  {now}")
        }
        (Some(call), Some(was), None) => {
            format!("call {call} differs\n  recorded   {was}\n  version {to}  makes no such call")
        }
        _ => match serde_json::from_value::<TaskError>(error.clone()) {
            Ok(error) => format!("version {to} fails here: {}", error.headline()),
            Err(_) => format!("version {to} fails here"),
        },
    }
}

/// 409 with a word that programs can tell apart.
fn refusal(error: RunError) -> ApiError {
    match error {
        RunError::Store(StoreError::Rejected(why @ Rejected::Ended(status))) => {
            ApiError::conflict(why.to_string()).with("status", status.as_str())
        }
        RunError::Store(StoreError::Rejected(Rejected::Busy | Rejected::Outdated)) => {
            ApiError::conflict(
                "the run does not stand still long enough: pause it first (POST /tasks/pause)",
            )
            .with("status", "busy")
        }
        other => answer::refusal(other),
    }
}
