//! `POST` at any path: one call.

use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode, Uri, header};
use serde_json::{Value, json};

use crate::error::{CallError, json_answer, label, timestamp};
use crate::resolve::{Unknown, resolve};
use crate::routes::{health, utility};
use crate::wire::{self, SUPPORTED_METHODS, UNSUPPORTED, Wanted, WireError};
use crate::{State, call};

/// Longest part of an unknown request that is repeated in the answer, in bytes of JSON.
const ECHO_LIMIT: usize = 2_000;

/// Answers Google's JSON bare, or an error that says what to change.
pub async fn invoke(
    Extract(state): Extract<State>,
    method: Method,
    uri: Uri,
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
    match call::call(&state.0, &target, args).await {
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
