//! `POST` at any path: one call.

use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Value, json};

use crate::error::{CallError, json_answer, label, timestamp};
use crate::recent::{Look, Note};
use crate::resolve::{Target, Unknown, resolve};
use crate::routes::{health, utility};
use crate::wire::{self, SUPPORTED_METHODS, UNSUPPORTED, Wanted, WireError};
use crate::{State, call};

const KEY: &str = "idempotency-key";
/// Longest part of an unknown request that is repeated in the answer, in bytes of JSON.
const ECHO_LIMIT: usize = 2_000;

/// Answers Google's JSON bare, or an error that says what to change.
pub async fn invoke(
    Extract(state): Extract<State>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method == Method::GET && uri.path().ends_with("/health") {
        return health::health(Extract(state)).await.into_response();
    }
    if method != Method::POST {
        let body = json!({"error": format!("Use POST. {UNSUPPORTED}"), "timestamp": timestamp()});
        let answer = json_answer(StatusCode::METHOD_NOT_ALLOWED, body);
        return ([(header::ALLOW, "POST")], answer).into_response();
    }
    let (path, args) = match wire::parse(&body) {
        Ok(Wanted::Utility(name, args)) => return utility::answer(&state, name, args).await,
        Ok(Wanted::Google { path, args }) => (path, args),
        Err(error) => return not_understood(&error, &body),
    };
    let target = match resolve(&state.0.catalogue, &path) {
        Ok(target) => target,
        Err(unknown) => return not_found(&state, &unknown, &body),
    };
    // What only reads is asked again.
    let key = headers.get(KEY).filter(|_| !target.method.is_idempotent());
    let Some(key) = key.and_then(|key| key.to_str().ok()) else {
        return answered(&target, call::call(&state.0, &target, args).await);
    };
    match state.0.recent.look(key, &body) {
        Look::First(note) => first(state, target, args, note).await,
        Look::Again(mut answer) => match answer.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(answer)) => answered(&target, Ok(answer.clone())),
            // The first failed: whether the call may be made once more is not this one's to say.
            _ => refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "the same call, under the same Idempotency-Key, was under way and failed",
            ),
        },
        Look::Other => refused(
            StatusCode::UNPROCESSABLE_ENTITY,
            &format!("the Idempotency-Key '{key}' was used for another call: give each its own"),
        ),
    }
}

/// Makes a call that has a key. It is made to its end even if whoever asked has gone: the answer is
/// for the one who asks again.
async fn first(state: State, target: Target, args: Vec<Value>, note: Note) -> Response {
    let work = tokio::spawn(async move {
        let answer = call::call(&state.0, &target, args).await;
        if let Ok(answer) = &answer {
            note.answered(answer);
        }
        answered(&target, answer)
    });
    work.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a call ended badly");
        refused(StatusCode::INTERNAL_SERVER_ERROR, "the call ended badly")
    })
}

fn answered(target: &Target, answer: Result<Bytes, CallError>) -> Response {
    match answer {
        Ok(json) => {
            tracing::debug!(method = target.path, "call done");
            ([(header::CONTENT_TYPE, "application/json")], json).into_response()
        }
        Err(error) => {
            log(&target.path, &error);
            error.answer(&label(&target.path))
        }
    }
}

fn refused(status: StatusCode, why: &str) -> Response {
    let body = json!({
        "error": why,
        "status": status.as_u16(),
        "retryable": status == StatusCode::SERVICE_UNAVAILABLE,
        "timestamp": timestamp(),
    });
    let mut response = json_answer(status, body);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Failures that somebody has to act upon are warnings; a caller's own mistakes are not.
fn log(method: &str, error: &CallError) {
    let status = error.status().as_u16();
    match error {
        CallError::Arguments(_) | CallError::Google { .. } => {
            tracing::debug!(method, status, "call failed");
        }
        CallError::Credentials(cause) => tracing::warn!(method, status, %cause, "call failed"),
        _ => tracing::warn!(method, status, %error, "call failed"),
    }
}

fn not_understood(error: &WireError, body: &[u8]) -> Response {
    let mut answer =
        json!({"success": false, "error": error.to_string(), "timestamp": timestamp()});
    if *error == WireError::Nothing {
        received(&mut answer, body);
        answer["supported_methods"] = json!(SUPPORTED_METHODS);
    }
    json_answer(StatusCode::BAD_REQUEST, answer)
}

fn not_found(state: &State, unknown: &Unknown, body: &[u8]) -> Response {
    let near = match unknown.suggestions.as_slice() {
        [] => String::new(),
        names => format!(" Did you mean {}?", names.join(", ")),
    };
    let named: String = unknown.path.chars().take(200).collect();
    let services = state.0.catalogue.services();
    let mut answer = json!({
        "error": format!(
            "Unsupported Google API request. There is no method \"{named}\".{near} \
             Services: {}.", services.join(", ")
        ),
        "suggestions": unknown.suggestions,
        "services": services,
    });
    received(&mut answer, body);
    answer["supported_methods"] = json!(SUPPORTED_METHODS);
    answer["timestamp"] = timestamp().into();
    json_answer(StatusCode::BAD_REQUEST, answer)
}

/// Repeats what was asked for, unless it is so long that it would only be noise.
fn received(answer: &mut Value, body: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
    for name in ["method", "chain"] {
        let value = body.get(name).filter(|value| value.to_string().len() <= ECHO_LIMIT);
        if let Some(value) = value {
            answer[format!("received_{name}")] = value.clone();
        }
    }
}
