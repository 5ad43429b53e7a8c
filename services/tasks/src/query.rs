//! Query parameters, with errors that name them.

use std::collections::HashMap;

use tasker_core::{TaskRun, TaskRunId};
use tasker_http::ApiError;
use tasker_store::{StoreError, TaskStore};

use crate::answer::store_error;

/// The decoded query string.
pub type Params = axum::extract::Query<HashMap<String, String>>;

/// A parameter that was given and is not empty.
pub fn given<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.get(name).map(String::as_str).filter(|v| !v.is_empty())
}

/// A whole number between 0 and `most`, or `default` if it was not given.
pub fn number(params: &Params, name: &str, default: u32, most: u32) -> Result<u32, ApiError> {
    let Some(text) = given(params, name) else { return Ok(default) };
    match text.parse() {
        Ok(n) if n <= most => Ok(n),
        _ => Err(ApiError::bad_request(format!(
            "'{name}' must be a whole number from 0 to {most}, not '{}'",
            short(text)
        ))),
    }
}

/// An id of a task run.
pub fn run_id(text: &str) -> Result<TaskRunId, ApiError> {
    text.parse().map_err(|_| {
        ApiError::bad_request(format!(
            "a task run's id must be a whole number, not '{}'",
            short(text)
        ))
    })
}

/// 404 that names the run.
pub fn no_run(id: TaskRunId) -> ApiError {
    ApiError::not_found(format!("Task run with ID {id} not found"))
}

/// The run, or 404.
pub async fn run(store: &dyn TaskStore, id: TaskRunId) -> Result<TaskRun, ApiError> {
    let missing = || no_run(id);
    match store.run(id).await {
        Ok(run) => run.ok_or_else(missing),
        // A number beyond the column's type.
        Err(StoreError::Invalid { .. }) => Err(missing()),
        Err(other) => Err(store_error(other)),
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
