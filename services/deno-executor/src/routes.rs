//! The executor's routes.

mod check;
mod upgrade;

pub use check::check;
pub use upgrade::upgrade;

use axum::{
    Json,
    extract::State as FromState,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Value, json};
use tasker_core::{
    StackRunId, json as raw,
    wire::{ExecuteRequest, Handed, LeaseRef, ProcessRequest, ResumeRequest, TurnReport},
};
use tasker_http::{ApiError, JsonBodies, JsonBody};
use tasker_store::Outcome;

use crate::{
    ENGINE, State,
    answer::{self, Answer, Shape},
    execute::Resumed,
    outcome::Delivery,
    wake,
};

/// Slot name of callers that are no processor.
const DIRECT: &str = "direct";

/// `GET` on any path.
pub async fn health(FromState(state): FromState<State>) -> Json<Value> {
    // Each layer of the sandbox: true, or why it is not on.
    let layers = &state.runs.pool().layers().0;
    let layers: Vec<_> = layers
        .iter()
        .map(|(l, why)| (l, why.as_ref().map_or(json!(true), |why| json!(why))))
        .collect();
    let sandbox: Value = layers
        .into_iter()
        .map(|(layer, on)| (json!(layer).as_str().unwrap_or_default().to_owned(), on))
        .collect();
    Json(json!({
        "status": "healthy",
        "service": "Deno Task Executor",
        "version": "1.0.0",
        "serviceRegistry": "minimal",
        "engine": ENGINE,
        "sandbox": sandbox,
    }))
}

/// `POST /`: runs a task to its next quiet point.
pub async fn execute(
    FromState(state): FromState<State>,
    JsonBody(request): JsonBody<ExecuteRequest>,
) -> Result<Json<Answer>, ApiError> {
    if let Some(lease) = &request.lease {
        let quiet = state.runs.execute(lease, request.keep).await.map_err(answer::refusal)?;
        return answer::quiet(quiet, Shape::Result, false).map(Json);
    }
    let lease = lease_for(&state, request).await?;
    let quiet = state.runs.execute(&lease, false).await.map_err(answer::refusal)?;
    // Its calls are for a processor.
    wake(&state.peers);
    answer::quiet(quiet, Shape::Result, true).map(Json)
}

/// A lease for a caller that has none: on the row it names, or on a run made for its code.
async fn lease_for(state: &State, request: ExecuteRequest) -> Result<LeaseRef, ApiError> {
    if let Some(id) = request.stack_run_id.filter(|id| id.0 > 0)
        && let Some(row) = claim(state, id).await?
    {
        return Ok(row.lease);
    }
    let (Some(name), Some(code)) = (request.task_name, request.task_code) else {
        return Err(ApiError::bad_request("Missing taskCode or taskName"));
    };
    let input = request.task_input.unwrap_or_else(|| raw::of(&json!({})));
    let made = state.runs.submit(name, code, input).await.map_err(answer::refusal)?;
    let row = claim(state, made.root_id).await?;
    row.map(|r| r.lease).ok_or_else(|| ApiError::conflict("a processor has already taken this run"))
}

async fn claim(state: &State, id: StackRunId) -> Result<Option<Handed>, ApiError> {
    let claimed = state.runs.store().claim_row(id, DIRECT).await;
    Ok(claimed.map_err(|e| answer::refusal(e.into()))?.map(|c| c.row))
}

/// `POST /resume`: gives a call's outcome to its run, and runs it to its next quiet point.
///
/// With `replyTo` the answer is 202 at once, and what became of it is posted there.
pub async fn resume(
    FromState(state): FromState<State>,
    JsonBodies(mut requests): JsonBodies<ResumeRequest>,
) -> Result<Response, ApiError> {
    if requests.len() == 1 && requests[0].reply_to.is_none() {
        let request = requests.remove(0);
        return resume_and_wait(state, request).await.map(IntoResponse::into_response);
    }
    let all: Result<Vec<_>, _> = requests.into_iter().map(delivery).collect();
    for (reply_to, delivery) in all? {
        let state_ = state.clone();
        state.work.spawn(async move {
            let tell = |report: TurnReport| tell(&state_, &reply_to, &report);
            state_.runs.deliver(delivery, &tell).await;
        });
    }
    let accepted = (StatusCode::ACCEPTED, Json(json!({ "status": "accepted" })));
    Ok(accepted.into_response())
}

/// What a processor sends: an outcome under the lease of its call.
fn delivery(request: ResumeRequest) -> Result<(String, Delivery), ApiError> {
    let outcome = outcome(request.result, request.error)?;
    let missing = |field| ApiError::bad_request(format!("replyTo needs {field} beside it"));
    let delivery = Delivery {
        root_id: request.stack_run_id.ok_or_else(|| missing("stackRunId"))?,
        lease: request.lease.ok_or_else(|| missing("lease"))?,
        seq: request.seq,
        outcome,
        keep: request.keep,
    };
    Ok((request.reply_to.ok_or_else(|| missing("itself, in each message of several,"))?, delivery))
}

/// Tells a processor; one that does not hear of its outcome sends it once more.
fn tell(state: &State, reply_to: &str, report: &TurnReport) {
    let request = ProcessRequest { report: Some(raw::of(report)), ..ProcessRequest::default() };
    state.peers.message("simple-stack-processor", Some(reply_to), "", raw::of(&request), |_| {});
}

fn outcome(
    result: Option<tasker_core::Json>,
    error: Option<tasker_core::Json>,
) -> Result<Outcome, ApiError> {
    match (result, error) {
        (_, Some(error)) => Ok(Err(error)),
        (Some(result), None) => Ok(Ok(result)),
        (None, None) => Err(ApiError::bad_request("Missing result (null is a result) or error")),
    }
}

async fn resume_and_wait(state: State, request: ResumeRequest) -> Result<Json<Answer>, ApiError> {
    let shape =
        if request.stack_run_id_to_resume.is_some() { Shape::Result } else { Shape::Paused };
    let root = request.stack_run_id.or(request.stack_run_id_to_resume).ok_or_else(|| {
        ApiError::bad_request("Missing stackRunId: the id of the suspended task's own row")
    })?;
    let outcome = outcome(request.result.or(request.result_to_inject), request.error)?;
    let (lease, seq, direct) = match request.lease {
        Some(lease) => (lease, request.seq, false),
        None => {
            let row = waiting_call(&state, root).await?;
            (row.lease, row.seq, true)
        }
    };
    let done = state.runs.resume(root, &lease, seq, outcome, request.keep).await;
    if direct {
        wake(&state.peers);
    }
    match done.map_err(answer::refusal)? {
        Resumed::WentOn(quiet) => answer::quiet(*quiet, shape, direct).map(Json),
        Resumed::Recorded(recorded) => Ok(Json(answer::recorded(&recorded))),
    }
}

/// Somebody without a lease brings the outcome of the call that a run waits on.
async fn waiting_call(state: &State, root: StackRunId) -> Result<Handed, ApiError> {
    let row = state.runs.store().stack_run(root).await.map_err(|e| answer::refusal(e.into()))?;
    let row = row.ok_or_else(|| ApiError::not_found(format!("Stack run {root} not found")))?;
    let call = row.waiting_on_stack_run_id.ok_or_else(|| {
        ApiError::conflict(format!("stack run {root} is {} and waits for no call", row.status))
    })?;
    claim(state, call).await?.ok_or_else(|| {
        ApiError::conflict(format!("stack run {call} is being worked on by a processor"))
    })
}
