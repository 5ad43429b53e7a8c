//! `POST /publish`: makes a task, or a new version of it.

use std::time::Duration;

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tasker_core::{TaskError, wire::CheckRequest};
use tasker_http::{ApiError, JsonBody};

use crate::{
    answer::{store_error, success},
    body::Fields,
    jsdoc,
};

type Body = Result<JsonBody<std::collections::HashMap<String, tasker_core::Json>>, ApiError>;

/// Bytes of code one task may have.
const MOST_CODE: usize = 1 << 20;
/// The column's width.
const MOST_NAME: usize = 255;
/// How long the executor may take to compile.
const CHECK: Duration = Duration::from_secs(10);

/// `{"name","code","description"?,"check"?}`; `task_identifier` is another name for `name`. Without
/// a description the first JSDoc block's text is taken. Code that does not compile is refused with
/// 422 and the place in `errors`, unless `check` is false; `checked` in the answer says that it does. Changed code makes a new version; runs
/// under way keep theirs.
pub async fn publish(State(state): State<crate::State>, body: Body) -> Result<Response, ApiError> {
    publish_in(&state, body).await.map_err(ApiError::enveloped)
}

async fn publish_in(state: &crate::State, body: Body) -> Result<Response, ApiError> {
    let fields = Fields::new(body)?;
    let key = if fields.has("name") { "name" } else { "task_identifier" };
    let name = name(fields.text(key)?, if key == "name" { key } else { "name" })?;
    let code = code(fields.text("code")?)?;
    let about = match fields.text("description")? {
        Some(text) => Some(text),
        None => jsdoc::description(&code),
    };
    if about.as_ref().is_some_and(|a| a.contains('\0')) {
        return Err(ApiError::bad_request("'description' must not contain the character U+0000"));
    }
    let checked =
        fields.flag_unless_false("check")? && check(state, name.clone(), code.clone()).await?;
    let created = state.store.function(&name).await.map_err(store_error)?.is_none();
    let made = state.store.publish(&name, &code, about.as_deref()).await.map_err(store_error)?;
    tracing::info!(task = %made.name, version = made.version, created, "published");
    let mut data = json!({ "name": made.name, "version": made.version, "created": created });
    if checked {
        data["checked"] = true.into();
    }
    Ok(success(data))
}

/// Has the executor compile the code. False if it cannot say: publishing does not depend on it, and
/// the first run tells.
async fn check(state: &crate::State, name: String, code: String) -> Result<bool, ApiError> {
    #[derive(Deserialize)]
    struct Answer {
        errors: Vec<TaskError>,
    }
    let body = CheckRequest { task_name: name.clone(), task_code: code };
    let reply = state.peers.post("deno-executor", "/check", &body, &[], CHECK).await;
    let answer = match reply {
        Ok(reply) if reply.status.is_success() => {
            serde_json::from_slice::<Answer>(&reply.body).ok()
        }
        _ => None,
    };
    let Some(Answer { errors }) = answer else {
        tracing::warn!(task = %name, "published unchecked: the executor does not answer");
        return Ok(false);
    };
    let Some(first) = errors.first() else { return Ok(true) };
    let errors: Vec<Value> = errors.iter().map(|e| json!(e)).collect();
    let message = format!("'code' does not compile: {}", first.headline());
    Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message).with("errors", errors))
}

/// A name as tasks have them.
pub fn name(name: Option<String>, field: &str) -> Result<String, ApiError> {
    let name = name
        .ok_or_else(|| ApiError::bad_request(format!("'{field}' is missing: the task's name")))?;
    let letters = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if name.is_empty() || name.len() > MOST_NAME || !name.chars().all(letters) {
        return Err(ApiError::bad_request(format!(
            "'{field}' must be 1 to {MOST_NAME} letters, digits, '-', '_', '.' or '/'"
        )));
    }
    Ok(name)
}

fn code(code: Option<String>) -> Result<String, ApiError> {
    let code = code.ok_or_else(|| {
        ApiError::bad_request("'code' is missing: the task's source, a string that is not empty")
    })?;
    if code.trim().is_empty() {
        return Err(ApiError::bad_request("'code' must not be empty"));
    }
    if code.len() > MOST_CODE {
        let message = format!("'code' has {} bytes; the most is {MOST_CODE}", code.len());
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    if code.contains('\0') {
        return Err(ApiError::bad_request("'code' must not contain the character U+0000"));
    }
    Ok(code)
}
