//! `POST /execute`: makes a run and answers at once.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{
    Json as JsonAnswer,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;
use tasker_core::{time::iso, wire::LeaseRef};
use tasker_http::{ApiError, Caller};
use tasker_store::{NewRun, StoreError, SubmitOptions, Submitted};

use crate::{
    Shape,
    answer::{store_error, success_with_logs},
    body::{Body, Fields, no_input},
    owner,
};

/// The lease of the host call that becomes this run, set by the processor alone.
const PARENT: &str = "x-tasker-parent";
/// As Stripe and the IETF draft name it; `idempotencyKey` in the body says the same.
const KEY: &str = "idempotency-key";
/// The column's width.
const MOST_KEY: usize = 255;
/// Names listed when a task is unknown.
const NAMES_SHOWN: usize = 50;

/// `POST /execute` and `POST /`, in both generations' bodies.
pub async fn execute(
    State(state): State<crate::State>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let fields = Fields::new(body).map_err(ApiError::enveloped)?;
    if let Some(answer) = trigger(&state, &fields) {
        return Ok(answer);
    }
    let shape = shape_of(&fields);
    submit(&state, &caller, &headers, fields, shape).await.map_err(|e| shape.error(e))
}

/// Any other path: the older generation posts anywhere, everybody else is told the way.
pub async fn elsewhere(
    State(state): State<crate::State>,
    method: Method,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found("Use /execute endpoint for task execution").enveloped();
    if method != Method::POST {
        return Err(unknown());
    }
    let fields = Fields::new(body).map_err(|_| unknown())?;
    if let Some(answer) = trigger(&state, &fields) {
        return Ok(answer);
    }
    if !fields.has("taskName") {
        return Err(unknown());
    }
    submit(&state, &caller, &headers, fields, Shape::Bare).await
}

fn shape_of(fields: &Fields) -> Shape {
    let older = fields.has("taskName") && !fields.has("task_identifier");
    if older { Shape::Bare } else { Shape::Enveloped }
}

/// `{"service":"tasks","method":"triggerFIFO"}`.
fn trigger(state: &crate::State, fields: &Fields) -> Option<Response> {
    (fields.is("service", "tasks") && fields.is("method", "triggerFIFO")).then(|| {
        state.wake_processor();
        JsonAnswer(json!({ "status": "ok", "message": "FIFO processing chain started" }))
            .into_response()
    })
}

async fn submit(
    state: &crate::State,
    caller: &Caller,
    headers: &HeaderMap,
    mut fields: Fields,
    shape: Shape,
) -> Result<Response, ApiError> {
    let name = task_name(&fields, shape)?;
    let parent = parent(headers)?;
    let input = fields.take("input").unwrap_or_else(no_input);
    let options = SubmitOptions {
        idempotency_key: key(headers, &fields)?,
        timeout_ms: fields.timeout()?,
        most_open: state.most_open,
        owner: owner::of(caller, state.tenant_claim.as_deref()),
        most_open_of_tenant: state.most_open_of_tenant,
        untold: false,
    };
    let run = NewRun { name, input, code: None, parent };
    let made = match state.store.submit_with(&run, &options).await {
        Ok(made) => made,
        Err(error) => return Err(refused(state, &run, error).await),
    };
    state.wake_processor();
    tracing::info!(task = %run.name, task_run = %made.task_run_id, "submitted");
    Ok(match shape {
        Shape::Enveloped => enveloped(&run.name, made),
        Shape::Bare => bare(made),
    })
}

fn task_name(fields: &Fields, shape: Shape) -> Result<String, ApiError> {
    let (found, missing) = match shape {
        Shape::Enveloped => (
            fields.text("task_identifier")?,
            "Missing task_identifier: send {\"task_identifier\": \"<name>\", \"input\": {...}}",
        ),
        Shape::Bare => (
            fields.text("taskName").unwrap_or_default(),
            "'taskName' is required and must be a string.",
        ),
    };
    found.filter(|name| !name.is_empty()).ok_or_else(|| ApiError::bad_request(missing))
}

/// The client's key for this submission, from the header or the body.
fn key(headers: &HeaderMap, fields: &Fields) -> Result<Option<String>, ApiError> {
    let said = fields.text("idempotencyKey")?;
    let unreadable = || ApiError::bad_request(format!("header {KEY} must be plain text"));
    let header = match headers.get(KEY) {
        Some(value) => Some(value.to_str().map_err(|_| unreadable())?.to_owned()),
        None => None,
    };
    if let (Some(one), Some(other)) = (&header, &said)
        && one != other
    {
        return Err(ApiError::bad_request(format!(
            "header {KEY} and 'idempotencyKey' differ: send one of them"
        )));
    }
    let key = header.or(said);
    let fits =
        |key: &String| !key.is_empty() && key.chars().count() <= MOST_KEY && !key.contains('\0');
    if key.as_ref().is_some_and(|key| !fits(key)) {
        return Err(ApiError::bad_request(format!(
            "the idempotency key must have 1 to {MOST_KEY} characters"
        )));
    }
    Ok(key)
}

fn parent(headers: &HeaderMap) -> Result<Option<LeaseRef>, ApiError> {
    let Some(value) = headers.get(PARENT) else { return Ok(None) };
    serde_json::from_slice(value.as_bytes()).map(Some).map_err(|_| {
        ApiError::bad_request(format!(
            "header {PARENT} must be {{\"stackRunId\":n,\"epoch\":n,\"owner\":\"...\"}}"
        ))
    })
}

/// Why the store made no run, as the client can act on it.
async fn refused(state: &crate::State, run: &NewRun, error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound(_) => unknown(state, run).await,
        other => store_error(other),
    }
}

async fn unknown(state: &crate::State, run: &NewRun) -> ApiError {
    let published = match state.store.functions().await {
        Ok(published) => published,
        Err(error) => return store_error(error),
    };
    let names: Vec<&str> = published.iter().map(|f| f.name.as_str()).collect();
    if names.contains(&run.name.as_str()) {
        return ApiError::conflict(format!("the row named in header {PARENT} does not exist"));
    }
    unknown_task(&run.name, &names)
}

/// 404 that names the task, those that exist, and the fix.
pub fn unknown_task(name: &str, names: &[&str]) -> ApiError {
    let shown: String = name.chars().take(100).collect();
    let few = &names[..names.len().min(NAMES_SHOWN)];
    let known = match names.len() - few.len() {
        _ if names.is_empty() => "no task is published yet".to_owned(),
        0 => format!("published tasks: {}", few.join(", ")),
        more => format!("published tasks: {} and {more} more (GET /tasks/list)", few.join(", ")),
    };
    ApiError::not_found(format!(
        "Task '{shown}' not found: {known}. Publish it first (POST /tasks/publish, or `tasker publish`)."
    ))
    .with("tasks", few)
}

fn enveloped(name: &str, made: Submitted) -> Response {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
    let now = iso(i64::try_from(now).unwrap_or_default());
    let id = made.task_run_id;
    let data = json!({
        "result": {
            "taskRunId": id,
            "status": "submitted",
            "message": "Task submitted for background processing",
        },
        "task_identifier": name,
    });
    success_with_logs(data, vec![format!("[{now}] [INFO] [tasks] Task run {id} submitted")])
}

fn bare(made: Submitted) -> Response {
    let body = json!({
        "message": "Task submitted successfully and will process automatically.",
        "taskRunId": made.task_run_id,
        "stackRunId": made.root_id,
        "status": "submitted",
        "info": "Processing will continue automatically until completion - no manual triggers needed",
    });
    (StatusCode::ACCEPTED, JsonAnswer(body)).into_response()
}
