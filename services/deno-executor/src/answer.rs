//! A quiet point in the words of the contract, and what processors read beside it.

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use tasker_core::{
    Json, StackRunId, TaskRunId, journal::Asked, json as raw, run::Rejected, wire::Progress,
};
use tasker_http::ApiError;
use tasker_store::{Advanced, Ask, StoreError};

use crate::{quiet::Quiet, runs::RunError};

/// Which of the contract's shapes the caller expects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Answer of `POST /`, and of resume in its older names: a suspension is a result.
    Result,
    /// Answer of resume: a suspension is `paused`.
    Paused,
}

/// Body of every successful answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspension_data: Option<Suspension>,
    /// What a processor does next; clients ignore it.
    tasker: Progress,
}

/// The original's suspension object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Suspension {
    #[serde(rename = "__hostCallSuspended")]
    suspended: bool,
    service_name: String,
    method_path: Vec<String>,
    args: Json,
    task_run_id: String,
    stack_run_id: Option<StackRunId>,
}

/// The answer for a quiet point. A task that failed is an error to whoever ran it directly; a
/// processor is told that its work is done: the run has ended and its error is on record.
pub fn quiet(quiet: Quiet, shape: Shape, direct: bool) -> Result<Answer, ApiError> {
    let Quiet { task_run_id, advanced, end, asked } = quiet;
    let tasker = Progress {
        wake: advanced.wake,
        finished: advanced.finished,
        parked: false,
        next: advanced.next,
    };
    let mut answer = Answer { status: "completed", result: None, suspension_data: None, tasker };
    match (end, shape) {
        // A processor reads what comes next. The values are on record, and may be large.
        (Some(Err(_)), _) if !direct => answer.status = "error",
        (None, Shape::Paused) if !direct => answer.status = "paused",
        _ if !direct => {}
        (Some(Ok(result)), _) => answer.result = Some(result),
        (Some(Err(error)), _) => return Err(failure(&error)),
        (None, Shape::Result) => answer.result = Some(raw::of(&suspension(task_run_id, asked))),
        (None, Shape::Paused) => {
            answer.status = "paused";
            answer.suspension_data = Some(suspension(task_run_id, asked));
        }
    }
    Ok(answer)
}

/// The answer when no isolate was parked: the outcome is recorded and waits for a processor.
pub fn recorded(advanced: &Advanced) -> Answer {
    let tasker = Progress { wake: advanced.wake, parked: true, ..Progress::default() };
    Answer { status: "recorded", result: None, suspension_data: None, tasker }
}

fn failure(error: &Json) -> ApiError {
    let error: Value = serde_json::from_str(error.get()).unwrap_or_default();
    let message = error["message"].as_str().unwrap_or("the task failed").to_owned();
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, message)
        .with("status", "error")
        .with("details", error)
}

fn suspension(run: TaskRunId, asked: Option<(StackRunId, Ask)>) -> Suspension {
    let (id, asked) = asked.unzip();
    let (service, method, args) = match asked {
        Some(Ask::Call(call)) => (call.service, call.method, call.args),
        Some(Ask::Timer(ms)) => {
            let timer = Asked::timer(ms);
            (timer.service, timer.method, timer.args)
        }
        None => (String::new(), String::new(), raw::null()),
    };
    Suspension {
        suspended: true,
        service_name: service,
        method_path: method.split('.').map(str::to_owned).collect(),
        args,
        task_run_id: run.to_string(),
        stack_run_id: id,
    }
}

/// Why a run was not driven, as an HTTP error.
pub fn refusal(error: RunError) -> ApiError {
    match error {
        RunError::NotPublished(_) => ApiError::conflict(error.to_string()),
        RunError::Ended => ApiError::conflict("the run has ended"),
        RunError::Workers(e) => ApiError::unavailable(format!("{e:#}")),
        RunError::Store(StoreError::NotFound(what)) => {
            ApiError::not_found(format!("{what} not found"))
        }
        RunError::Store(StoreError::Rejected(Rejected::Fenced)) => {
            ApiError::conflict("the lease on this row was lost: it ended or was claimed again")
        }
        RunError::Store(StoreError::Rejected(why @ Rejected::NotACall)) => {
            ApiError::conflict(why.to_string())
        }
        RunError::Store(StoreError::Unavailable(why)) => ApiError::unavailable(why),
        RunError::Store(other) => ApiError::internal(other),
    }
}
