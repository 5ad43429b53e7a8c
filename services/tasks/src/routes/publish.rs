//! `POST /publish`: makes a task, or a new version of it.

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde_json::json;
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

/// `{"name","code","description"?}`; `task_identifier` is another name for `name`. Without a
/// description the first JSDoc block's text is taken. Changed code makes a new version; runs
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
    let created = state.store.function(&name).await.map_err(store_error)?.is_none();
    let made = state.store.publish(&name, &code, about.as_deref()).await.map_err(store_error)?;
    tracing::info!(task = %made.name, version = made.version, created, "published");
    Ok(success(json!({ "name": made.name, "version": made.version, "created": created })))
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
