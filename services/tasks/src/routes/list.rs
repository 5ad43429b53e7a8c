//! `GET /list`: published tasks.

use axum::{extract::State, response::Response};
use serde_json::{Value, json};
use tasker_core::{TaskFunction, time::iso};
use tasker_http::ApiError;

use crate::answer::{store_error, success};
use crate::query::{Params, given};

/// `?type=` narrows to a kind of task. All of them live in the database here, so `basic` and
/// `special`, which the original kept in its own code, answer none.
pub async fn list(State(state): State<crate::State>, params: Params) -> Result<Response, ApiError> {
    let tasks = match given(&params, "type") {
        None | Some("database") => {
            state.store.functions().await.map_err(|e| store_error(e).enveloped())?
        }
        Some("basic" | "special") => Vec::new(),
        Some(_) => {
            return Err(
                ApiError::bad_request("'type' must be basic, special or database").enveloped()
            );
        }
    };
    Ok(success(json!({ "tasks": tasks.iter().map(entry).collect::<Vec<_>>() })))
}

fn entry(task: &TaskFunction) -> Value {
    json!({
        "name": task.name,
        "type": "database",
        "description": task.description,
        "version": task.version,
        "updated_at": iso(task.updated_at),
    })
}
