//! A host call as an HTTP request, and the answer as an outcome.

use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tasker_core::{
    HostCall, Json, TaskError,
    call::ServiceRequest,
    json as raw,
    wire::{Handed, Progress, UNKNOWN_OUTCOME},
};
use tasker_http::{PeerError, PeerReply};
use tasker_store::Outcome;

use crate::State;

/// A service may ask for a pause, but not for one that nobody outlives.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// What became of a call.
pub enum Dispatched {
    /// The service answered.
    Outcome(Outcome),
    /// The call is a run of its own now.
    Delegated,
    /// Not now: after this long, for this reason.
    Later(Duration, TaskError),
    /// It may have happened and must not be repeated.
    Unknown,
    /// Another holder of this row goes on with it.
    Elsewhere,
}

/// The executor did not do it.
pub struct Refused {
    /// Why, for the log.
    pub why: String,
    /// The lease was lost: somebody else goes on.
    pub lost: bool,
    /// It was asked and is not there any more.
    pub died: bool,
}

/// Sends a host call to its service.
pub async fn call(state: &State, row: &Handed) -> Dispatched {
    let Some(service) = state.0.peers.resolve(&row.service) else {
        let mut names = state.0.peers.names();
        names.extend(["gapi", "keystore", "database"].map(str::to_owned));
        let message = format!("there is no service '{}'; known: {}", row.service, names.join(", "));
        return failed(TaskError::new("UnknownService", message));
    };
    if row.service == "tasks" && row.method == "execute" {
        return nested(state, row).await;
    }
    let call = HostCall::new(&row.service, &row.method, row.args.clone());
    if let Some(wait) = state.0.breakers.wait(&service) {
        let why = format!("{} cannot be reached", row.service);
        return later(row, Some(wait), true, TaskError::new("ServiceUnavailable", why));
    }
    // Stable over attempts, so that a service that remembers keys answers the same.
    let key = [("idempotency-key", HostCall::key(&row.options, row.lease.id))];
    let body = ServiceRequest { chain: call.chain() };
    let timeout = row.options.timeout_ms.map_or(state.0.call_timeout, Duration::from_millis);
    let sent = state.0.peers.post_for(&service, &body, &key, timeout, state.0.result_bytes);
    let reply = tasker_fault::around("send", sent).await;
    match &reply {
        Ok(_) | Err(PeerError::TooLarge { .. }) => state.0.breakers.note(&service, true),
        Err(PeerError::NotSent { .. }) => state.0.breakers.note(&service, false),
        // A slow answer, by the task's own measure perhaps, says nothing about the next one.
        Err(PeerError::Unknown { .. }) => {}
    }
    outcome(row, reply)
}

/// `tasks.execute(name, input)`: a run of its own, whose end is this call's outcome.
async fn nested(state: &State, row: &Handed) -> Dispatched {
    let Ok(args) = serde_json::from_str::<Vec<Json>>(row.args.get()) else {
        return failed(TaskError::new("TypeError", "tasks.execute takes (name, input)"));
    };
    let Some(name) = args.first().and_then(|a| serde_json::from_str::<String>(a.get()).ok()) else {
        return failed(TaskError::new("TypeError", "tasks.execute: the name must be a string"));
    };
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        task_name: String,
        input: Json,
    }
    let input = args.get(1).cloned().unwrap_or_else(|| raw::of(&json!({})));
    let parent = [("x-tasker-parent", serde_json::to_string(&row.lease).unwrap_or_default())];
    let body = Body { task_name: name, input };
    let reply = state.0.peers.post("tasks", "/execute", &body, &parent, state.0.call_timeout).await;
    match reply {
        Ok(reply) if reply.status.is_success() => Dispatched::Delegated,
        // Another holder of this row made the run.
        Ok(reply) if reply.status == StatusCode::CONFLICT => Dispatched::Elsewhere,
        other => outcome(row, other),
    }
}

fn outcome(row: &Handed, reply: Result<PeerReply, PeerError>) -> Dispatched {
    match reply {
        Ok(reply) if reply.status.is_success() => {
            match raw::parse(String::from_utf8_lossy(&reply.body).into_owned()) {
                Ok(body) => Dispatched::Outcome(Ok(body)),
                Err(_) if reply.body.is_empty() => Dispatched::Outcome(Ok(raw::null())),
                Err(_) => failed(service_error(row, &reply, "the service did not answer JSON")),
            }
        }
        Ok(reply) => refused(row, &reply),
        Err(error @ PeerError::NotSent { .. }) => {
            later(row, None, true, TaskError::new("ServiceUnavailable", error.to_string()))
        }
        Err(PeerError::TooLarge { most, .. }) => failed(too_large(row, most)),
        Err(error) if row.idempotent || tasker_fault::on("resend") => {
            later(row, None, false, TaskError::new("ServiceUnavailable", error.to_string()))
        }
        Err(error) => {
            tracing::warn!(stack_run = %row.lease.id, %error, "unknown outcome");
            Dispatched::Unknown
        }
    }
}

/// A service answered with an error: what can pass by itself is tried again later.
fn refused(row: &Handed, reply: &PeerReply) -> Dispatched {
    let error = service_error(row, reply, "");
    let code = error.details.as_ref().and_then(|body| body["error"]["code"].as_str());
    if reply.status == StatusCode::CONFLICT && code == Some(UNKNOWN_OUTCOME) {
        return Dispatched::Unknown;
    }
    if row.options.retries(reply.status.as_u16(), error.retryable, row.idempotent) {
        later(row, reply.retry_after, false, error)
    } else {
        failed(error)
    }
}

/// Another attempt after a random wait, `at_least` so long but for a limit; after the last one the
/// call fails.
fn later(
    row: &Handed,
    at_least: Option<Duration>,
    unreachable: bool,
    why: TaskError,
) -> Dispatched {
    let jitter = if tasker_fault::on("nojitter") { 1.0 } else { rand::random_range(0.05..=1.0) };
    match row.options.wait(row.attempt, unreachable, jitter) {
        Some(wait) => {
            let at_least = at_least.unwrap_or_default().min(LONGEST_PAUSE);
            Dispatched::Later(wait.max(at_least), why)
        }
        None => failed(why),
    }
}

/// The call was made, and its result is too large to keep: asking again brings the same.
fn too_large(row: &Handed, most: usize) -> TaskError {
    let message = format!(
        "{}.{} answered more than {most} bytes, the most that a call may bring: ask for less at once",
        row.service, row.method
    );
    let mut error = TaskError::new("PayloadTooLarge", message);
    error.status = Some(StatusCode::PAYLOAD_TOO_LARGE.as_u16());
    error
}

fn failed(error: TaskError) -> Dispatched {
    Dispatched::Outcome(Err(raw::of(&error)))
}

/// The service's own words, kept in the error that task code catches.
fn service_error(row: &Handed, reply: &PeerReply, otherwise: &str) -> TaskError {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    let said = match &body["error"] {
        Value::String(text) => Some(text.clone()),
        Value::Object(o) => o.get("message").and_then(Value::as_str).map(str::to_owned),
        _ => body["message"].as_str().map(str::to_owned),
    };
    let fallback = if otherwise.is_empty() { "no message" } else { otherwise };
    let message = format!(
        "{}.{} failed with {}: {}",
        row.service,
        row.method,
        reply.status.as_u16(),
        said.as_deref().unwrap_or(fallback)
    );
    let mut error = TaskError::new("ServiceError", message);
    error.status = Some(reply.status.as_u16());
    error.retryable = body["retryable"].as_bool();
    error.details = (!body.is_null()).then_some(body);
    error
}

/// Sends the executor its work and reads what comes next.
pub async fn executor(
    state: &State,
    path: &str,
    request: &(impl Serialize + Sync),
    timeout: Duration,
) -> Result<Progress, Refused> {
    #[derive(Deserialize)]
    struct Answer {
        tasker: Progress,
    }
    let refused = |why: String, lost| Refused { why, lost, died: false };
    let sent = state.0.peers.post("deno-executor", path, request, &[], timeout);
    let reply = tasker_fault::around("execute", sent).await;
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => {
            // An answer that got lost on the way says nothing of the executor.
            let unknown = matches!(error, PeerError::Unknown { .. });
            let died = unknown && !state.0.peers.answers("deno-executor").await;
            return Err(Refused { why: error.to_string(), lost: false, died });
        }
    };
    if reply.status.is_success() {
        let answer: Answer = serde_json::from_slice(&reply.body)
            .map_err(|e| refused(format!("unreadable answer: {e}"), false))?;
        return Ok(answer.tasker);
    }
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let why = format!("{}: {}", reply.status, body["error"].as_str().unwrap_or_default());
    Err(refused(why, reply.status == StatusCode::CONFLICT))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tasker_core::{StackRunId, TaskRunId, call::CallOptions, wire::LeaseRef};

    use super::*;

    #[test]
    fn a_pause_without_end_is_a_day() {
        let id = StackRunId(1);
        let row = Handed {
            lease: LeaseRef { id, epoch: 1, owner: "p".into() },
            root_id: id,
            task_run_id: TaskRunId(1),
            seq: 0,
            service: "s".into(),
            method: "m".into(),
            args: raw::null(),
            options: CallOptions::default(),
            idempotent: true,
            attempt: 1,
            crashes: 0,
            executor: None,
        };
        for (asked, waits) in [(120, 120), (u64::MAX, 86_400)] {
            let retry_after = Some(Duration::from_secs(asked));
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let reply = PeerReply { status, retry_after, body: Bytes::new() };
            match outcome(&row, Ok(reply)) {
                Dispatched::Later(wait, _) => assert_eq!(wait.as_secs(), waits),
                _ => panic!("it is tried again later"),
            }
        }
    }
}
