//! The service's own methods.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use crate::State;
use crate::error::{json_answer, timestamp};
use crate::wire::Utility;

/// Answers one of the service's own methods.
pub async fn answer(state: &State, name: Utility, args: Vec<Value>) -> Response {
    let first = args.into_iter().next();
    match name {
        Utility::Echo => ok(json!({"echo": first})),
        Utility::CheckCredentials => check_credentials(state).await,
        Utility::GetTokenInfo => token_info(state).await,
        Utility::ClearTokenCache => clear(state, first.as_ref().and_then(Value::as_str)).await,
        Utility::TestStepData => ok(step_data(&first.unwrap_or_default())),
    }
}

async fn check_credentials(state: &State) -> Response {
    match state.0.sessions.get().await {
        Ok(session) => ok(json!({
            "status": "ok",
            "adminEmail": session.admin_email,
            "clientEmail": session.client_email,
            "timestamp": timestamp(),
        })),
        Err(error) => {
            let body =
                json!({"status": "error", "error": error.to_string(), "timestamp": timestamp()});
            json_answer(StatusCode::INTERNAL_SERVER_ERROR, body)
        }
    }
}

async fn token_info(state: &State) -> Response {
    let cached = match state.0.sessions.peek().await {
        Some(session) => session.tokens.cached(),
        None => Vec::new(),
    };
    let now = jiff::Timestamp::now();
    let tokens: Vec<Value> = cached
        .into_iter()
        .map(|token| {
            let expires = token.expires.and_then(|s| jiff::Timestamp::from_second(s).ok());
            json!({
                "scope": token.scope,
                "subject": token.subject,
                "expires": expires.map(|time| time.to_string()),
                "valid": expires.is_none_or(|time| time > now),
            })
        })
        .collect();
    ok(json!({"count": tokens.len(), "tokens": tokens, "timestamp": timestamp()}))
}

async fn clear(state: &State, scope: Option<&str>) -> Response {
    if let Some(session) = state.0.sessions.peek().await {
        session.tokens.clear(scope);
    }
    let message = match scope {
        Some(scope) => format!("Cleared token cache for scope: {scope}"),
        None => "Cleared all token caches".to_owned(),
    };
    ok(json!({"status": "ok", "message": message, "timestamp": timestamp()}))
}

fn step_data(step: &Value) -> Value {
    let number = &step["stepNumber"];
    json!({
        "stepNumber": number,
        "timestamp": step["timestamp"],
        "testData": format!("Step {number} data"),
        "responseAt": timestamp(),
    })
}

fn ok(body: Value) -> Response {
    json_answer(StatusCode::OK, body)
}
