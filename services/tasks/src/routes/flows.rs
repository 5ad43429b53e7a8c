//! `/flows`: flows as states. A flow is a task, and its run is a run.

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde_json::{Value, json};
use tasker_core::{LogLine, Status, TaskRun, TaskRunId, time::iso};
use tasker_flow::Flow;
use tasker_http::ApiError;
use tasker_store::{NewRun, Retry, StoreError, SubmitOptions, TaskStore};

use super::execute::unknown_task;
use crate::{
    answer::{store_error, success},
    body::{Body, Fields, no_input},
    query::{run, run_id},
};

/// The lines that tell where a flow is, as its interpreter prints them.
const ENTER: &str = "flow: enter ";
const LEAVE: &str = "flow: leave ";

/// `POST /flows` with `{"flow", "name"?}`: checks a flow and publishes it as a task.
pub async fn publish(State(state): State<crate::State>, body: Body) -> Result<Response, ApiError> {
    publish_in(&state, body).await.map_err(ApiError::enveloped)
}

async fn publish_in(state: &crate::State, body: Body) -> Result<Response, ApiError> {
    let mut fields = Fields::new(body)?;
    let flow = flow(&mut fields)?.ok_or_else(|| {
        ApiError::bad_request("'flow' is missing: {\"id\", \"initial\", \"states\"}")
    })?;
    let name =
        super::publish::name(fields.text("name")?.or_else(|| Some(flow.id.clone())), "name")?;
    let about = flow.description.as_deref();
    let made = state.store.publish(&name, &flow.task_code(), about).await.map_err(store_error)?;
    tracing::info!(task = %made.name, version = made.version, "flow published");
    Ok(success(json!({ "name": made.name, "version": made.version })))
}

/// `POST /flows/execute` with `{"name", "input"?}` for a published flow, or `{"flow", "input"?}`.
pub async fn execute(State(state): State<crate::State>, body: Body) -> Result<Response, ApiError> {
    execute_in(&state, body).await.map_err(ApiError::enveloped)
}

async fn execute_in(state: &crate::State, body: Body) -> Result<Response, ApiError> {
    let mut fields = Fields::new(body)?;
    let input = fields.take("input").unwrap_or_else(no_input);
    let flow = flow(&mut fields)?;
    let name = fields.text("name")?.or_else(|| flow.as_ref().map(|f| f.id.clone()));
    let name = name.ok_or_else(|| ApiError::bad_request("'name' or 'flow' is missing"))?;
    let name = super::publish::name(Some(name), "name")?;
    let code = flow.map(|f| f.task_code());
    if code.is_none() {
        flow_of(&*state.store, &name).await?;
    }
    let new = NewRun { name, input, code, parent: None };
    let options = SubmitOptions {
        idempotency_key: fields.text("idempotencyKey")?,
        timeout_ms: fields.timeout()?,
        most_open: state.most_open,
        ..SubmitOptions::default()
    };
    let made = state.store.submit_with(&new, &options).await.map_err(store_error)?;
    state.wake_processor();
    Ok(success(json!({ "taskRunId": made.task_run_id, "status": "running" })))
}

/// `GET /flows/N`: the states a run is in and those it was in.
pub async fn get(
    State(state): State<crate::State>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let run = found(&*state.store, &id).await.map_err(ApiError::enveloped)?;
    let lines = state.store.logs(run.id, u32::MAX >> 1).await.map_err(store_error)?;
    Ok(success(show(&run, &lines)))
}

/// `POST /flows/resume` with `{"taskRunId": n}`: a paused flow goes on, a failed one from its last
/// failed step.
pub async fn resume(State(state): State<crate::State>, body: Body) -> Result<Response, ApiError> {
    resume_in(&state, body).await.map_err(ApiError::enveloped)
}

async fn resume_in(state: &crate::State, body: Body) -> Result<Response, ApiError> {
    let id = TaskRunId(Fields::new(body)?.id("taskRunId")?);
    let row = run(&*state.store, id).await?;
    let plain = Retry { newest_code: false, timeout_ms: None };
    match row.status {
        Status::Failed | Status::Cancelled => state.store.retry(id, plain).await,
        _ => state.store.pause(id, false).await,
    }
    .map_err(store_error)?;
    state.wake_processor();
    Ok(success(json!({ "taskRunId": id, "status": "running" })))
}

/// `DELETE /flows/N`: ends a run if it goes on, and forgets it.
pub async fn delete(
    State(state): State<crate::State>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let run = found(&*state.store, &id).await.map_err(ApiError::enveloped)?;
    if !run.status.is_terminal() {
        match state.store.cancel(run.id).await {
            // It ended meanwhile.
            Ok(_) | Err(StoreError::Rejected(_)) => {}
            Err(error) => return Err(store_error(error).enveloped()),
        }
    }
    state.store.forget(run.id).await.map_err(|e| store_error(e).enveloped())?;
    tracing::info!(task_run = %run.id, "flow forgotten");
    Ok(success(json!({ "taskRunId": run.id, "status": "deleted" })))
}

/// The flow in the body, if there is one; 400 with every problem if it is not good.
fn flow(fields: &mut Fields) -> Result<Option<Flow>, ApiError> {
    let Some(text) = fields.take("flow").filter(|f| f.get() != "null") else { return Ok(None) };
    Flow::parse(text.get()).map(Some).map_err(|problems| {
        ApiError::bad_request(problems.to_string()).with("problems", json!(problems.0))
    })
}

async fn found(store: &dyn TaskStore, id: &str) -> Result<TaskRun, ApiError> {
    run(store, run_id(id)?).await
}

/// 404 unless a flow is published under this name.
async fn flow_of(store: &dyn TaskStore, name: &str) -> Result<(), ApiError> {
    let all = store.functions().await.map_err(store_error)?;
    let names: Vec<&str> = all.iter().map(|f| f.name.as_str()).collect();
    let published = store.function(name).await.map_err(store_error)?;
    let published = published.ok_or_else(|| unknown_task(name, &names))?;
    if Flow::of_task(&published.code).is_none() {
        let message = format!("'{name}' is a task and no flow: submit it with POST /tasks/execute");
        return Err(ApiError::bad_request(message));
    }
    Ok(())
}

fn show(run: &TaskRun, lines: &[LogLine]) -> Value {
    let mut active: Vec<&str> = Vec::new();
    let mut history = Vec::new();
    for line in lines {
        if let Some(path) = line.message.strip_prefix(ENTER) {
            active.push(path);
            history.push(json!({ "state": path, "at": iso(line.at_ms) }));
        } else if let Some(path) = line.message.strip_prefix(LEAVE) {
            active.retain(|open| *open != path);
        }
    }
    let status = match run.status {
        Status::Completed => "completed",
        Status::Failed => "error",
        Status::Cancelled => "cancelled",
        _ if run.paused => "paused",
        _ => "running",
    };
    json!({
        "taskRunId": run.id, "name": run.task_name, "status": status, "state": active,
        "history": history, "result": run.result, "error": run.error,
        "createdAt": iso(run.created_at), "updatedAt": iso(run.updated_at),
    })
}
