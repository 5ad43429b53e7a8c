//! The routes of the original's development server, beside `/functions/v1/...`. Each is a request
//! to one of the services, over HTTP like any other; unlike there, what is submitted runs.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::{
    Json as JsonAnswer, Router,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tasker_core::{Json, time::iso};
use tasker_http::{ApiError, JsonBody, PeerReply, Peers, mount};

/// Longest wait for a service.
const WAIT: Duration = Duration::from_secs(30);
/// How long `POST /task/execute/N` waits for the run's end.
const EXECUTE: Duration = Duration::from_secs(2);
/// Every namespace of the keystore falls back to this one.
const NAMESPACE: &str = "global";

#[derive(Clone)]
struct Here {
    peers: Peers,
    backend: &'static str,
}

/// All of them.
pub fn routes(peers: Peers, backend: &'static str) -> Router {
    let here = Here { peers, backend };
    let task = Router::new()
        .route("/submit", post(submit))
        .route("/status/{id}", get(status))
        .route("/store-function", post(store_function))
        .route("/execute/{id}", post(execute))
        .route("/process", post(process))
        .route("/keystore", post(set_key))
        .route("/keystore/{key}", get(get_key))
        .with_state(here.clone());
    mount("task", task)
        .merge(Router::new().route("/", get(index)).route("/health", get(health)).with_state(here))
}

async fn index() -> JsonAnswer<Value> {
    JsonAnswer(json!({
        "service": "tasker-dev",
        "version": env!("CARGO_PKG_VERSION"),
        "endpoints": [
            "GET /health", "POST /task/submit", "GET /task/status/:id", "POST /task/store-function",
            "POST /task/execute/:id", "POST /task/process", "GET /task/keystore/:key",
            "POST /task/keystore", "/wrappedgapi", "/wrappedkeystore", "/wrappedsupabase",
            "/functions/v1/tasks", "/functions/v1/<service>",
        ],
    }))
}

async fn health(State(here): State<Here>) -> JsonAnswer<Value> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
    JsonAnswer(json!({
        "status": "ok",
        "backend": here.backend,
        "timestamp": iso(i64::try_from(since).unwrap_or_default()),
        "runtime": "tasker",
        "engine": deno_executor::ENGINE,
    }))
}

/// `{"task_identifier","input"}`: makes a run, which begins at once.
async fn submit(
    State(here): State<Here>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Json>,
) -> Result<JsonAnswer<Value>, ApiError> {
    let key = headers.get("idempotency-key").and_then(|v| v.to_str().ok());
    let key = key.map(|k| ("idempotency-key", k.to_owned()));
    let sent = here.peers.post("tasks", "/execute", &body, key.as_slice(), WAIT).await;
    let answer = value(sent)?;
    let id = [&answer["data"]["result"]["taskRunId"], &answer["taskRunId"]];
    let id = id.into_iter().find(|id| !id.is_null()).cloned().unwrap_or_default();
    Ok(JsonAnswer(json!({
        "success": true, "taskRunId": id, "data": { "result": { "taskRunId": id } },
    })))
}

/// The run's row, with its stack runs, as the tasks service answers it.
async fn status(State(here): State<Here>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let reply = row(&here, &id).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], reply.body).into_response())
}

async fn row(here: &Here, id: &str) -> Result<PeerReply, ApiError> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
        let message = "a task run's id must be a whole number: /task/status/12";
        return Err(ApiError::bad_request(message));
    }
    let reply = here.peers.get("tasks", &format!("/status/{id}"), WAIT).await;
    match reply {
        Ok(reply) if reply.status == StatusCode::NOT_FOUND => {
            Err(ApiError::not_found("Task not found"))
        }
        reply => good(reply),
    }
}

#[derive(Deserialize)]
struct Function {
    task_identifier: Value,
    code: Value,
    #[serde(default)]
    metadata: Value,
}

/// `{"task_identifier","code","metadata"?}`: publishes it, as `tasker publish` does.
async fn store_function(
    State(here): State<Here>,
    JsonBody(body): JsonBody<Function>,
) -> Result<JsonAnswer<Value>, ApiError> {
    let about = &body.metadata["description"];
    let sent = json!({
        "task_identifier": body.task_identifier, "code": body.code, "description": about,
    });
    let answer = value(here.peers.post("tasks", "/publish", &sent, &[], WAIT).await)?;
    let version = &answer["data"]["version"];
    Ok(JsonAnswer(json!({ "success": true, "message": "Function stored", "version": version })))
}

/// Looks for work and waits a little for the run's end. The run needs no such request.
async fn execute(State(here): State<Here>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let until = Instant::now() + EXECUTE;
    row(&here, &id).await?;
    look(&here).await?;
    loop {
        let reply = row(&here, &id).await?;
        let row: Value = serde_json::from_slice(&reply.body).map_err(ApiError::internal)?;
        let ended = match row["status"].as_str() {
            Some("completed") => {
                Some((StatusCode::OK, json!({ "success": true, "result": row["result"] })))
            }
            Some("failed" | "cancelled") => {
                let error = &row["error"];
                let body = json!({ "success": false, "error": error["message"], "details": error });
                Some((StatusCode::INTERNAL_SERVER_ERROR, body))
            }
            _ if Instant::now() >= until => Some((StatusCode::OK, still_open(&row))),
            _ => None,
        };
        if let Some((status, body)) = ended {
            return Ok((status, JsonAnswer(body)).into_response());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The original's suspension object, if the run waits for a call.
fn still_open(row: &Value) -> Value {
    let waits_for = &row["waiting_on_stack_run_id"];
    let rows = row["stack_runs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let child = rows.iter().find(|r| !waits_for.is_null() && r["id"] == *waits_for);
    let Some(child) = child else {
        return json!({ "success": true, "status": row["status"], "taskRunId": row["id"] });
    };
    let method = child["method_name"].as_str().unwrap_or_default();
    json!({
        "suspended": true,
        "suspensionData": {
            "taskRunId": row["id"],
            "childStackRunId": child["id"],
            "serviceName": child["service_name"],
            "methodPath": method.split('.').collect::<Vec<_>>(),
            "args": child["args"],
        },
    })
}

/// Looks for work. Submitting does so by itself.
async fn process(State(here): State<Here>) -> Result<JsonAnswer<Value>, ApiError> {
    let answer = look(&here).await?;
    Ok(JsonAnswer(json!({
        "success": true, "message": "Processed pending stack runs", "processed": answer["processed"],
    })))
}

async fn look(here: &Here) -> Result<Value, ApiError> {
    let body = json!({ "trigger": "process-next" });
    value(here.peers.post("simple-stack-processor", "", &body, &[], WAIT).await)
}

#[derive(Deserialize)]
struct Secret {
    key: Value,
    value: Value,
}

/// `{"key","value"}`.
async fn set_key(
    State(here): State<Here>,
    JsonBody(body): JsonBody<Secret>,
) -> Result<JsonAnswer<Value>, ApiError> {
    let message = format!("Stored {}", body.key.as_str().unwrap_or_default());
    let args = json!([NAMESPACE, body.key, body.value]);
    let call = json!({ "chain": [{ "property": "setKey", "args": args }] });
    value(here.peers.post("wrappedkeystore", "", &call, &[], WAIT).await)?;
    Ok(JsonAnswer(json!({ "success": true, "message": message })))
}

async fn get_key(
    State(here): State<Here>,
    Path(key): Path<String>,
) -> Result<JsonAnswer<Value>, ApiError> {
    let ask = json!({ "action": "getKey", "namespace": NAMESPACE, "key": key });
    let mut answer = value(here.peers.post("wrappedkeystore", "", &ask, &[], WAIT).await)?;
    let found = answer["data"]["data"].take();
    if found.is_null() {
        return Err(ApiError::not_found(format!("Key not found: {key}")));
    }
    Ok(JsonAnswer(json!({ "success": true, "key": key, "value": found })))
}

type Replied = Result<PeerReply, tasker_http::PeerError>;

/// The answer's JSON, or the service's refusal with its status and fields.
fn value(reply: Replied) -> Result<Value, ApiError> {
    serde_json::from_slice(&good(reply)?.body).map_err(ApiError::internal)
}

fn good(reply: Replied) -> Result<PeerReply, ApiError> {
    let reply = reply.map_err(|e| ApiError::unavailable(e.to_string()))?;
    if reply.status.is_success() {
        return Ok(reply);
    }
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let said = body["error"].as_str().or_else(|| body["error"]["message"].as_str());
    let mut error = ApiError::new(reply.status, said.unwrap_or("the service gave no reason"));
    for (key, value) in body.as_object().into_iter().flatten() {
        if !["error", "success"].contains(&key.as_str()) {
            error = error.with(key, value.clone());
        }
    }
    Err(error)
}
