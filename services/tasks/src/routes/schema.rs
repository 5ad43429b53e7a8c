//! `GET /schema`: what a task takes, from its JSDoc.

use axum::{extract::State, response::Response};
use serde_json::{Value, json};
use tasker_core::TaskFunction;
use tasker_http::ApiError;
use tasker_store::TaskStore;

use super::execute::unknown_task;
use crate::{
    answer::{store_error, success},
    jsdoc::Doc,
    query::{Params, given},
};

/// Longest function name the OpenAI API takes.
const OPENAI_NAME: usize = 64;

#[derive(Clone, Copy)]
enum Format {
    Json,
    OpenApi,
    OpenAi,
}

/// `?task=NAME&format=json|openapi|openai`; without a task, all of them.
pub async fn schema(
    State(state): State<crate::State>,
    params: Params,
) -> Result<Response, ApiError> {
    answer(&*state.store, &params).await.map_err(ApiError::enveloped)
}

async fn answer(store: &dyn TaskStore, params: &Params) -> Result<Response, ApiError> {
    let format = match given(params, "format") {
        None | Some("json") => Format::Json,
        Some("openapi") => Format::OpenApi,
        Some("openai") => Format::OpenAi,
        Some(_) => return Err(ApiError::bad_request("'format' must be json, openapi or openai")),
    };
    let name = given(params, "task");
    let tasks = match name {
        Some(name) => vec![one(store, name).await?],
        None => all(store).await?,
    };
    let docs: Vec<(TaskFunction, Doc)> = tasks.into_iter().map(documented).collect();
    Ok(success(match (format, name.is_some()) {
        (Format::OpenApi, _) => openapi(&docs),
        (Format::Json, true) => plain(&docs[0]),
        (Format::OpenAi, true) => openai(&docs[0]),
        (Format::Json, false) => json!({ "tasks": docs.iter().map(plain).collect::<Vec<_>>() }),
        (Format::OpenAi, false) => json!({ "tools": docs.iter().map(openai).collect::<Vec<_>>() }),
    }))
}

async fn one(store: &dyn TaskStore, name: &str) -> Result<TaskFunction, ApiError> {
    if let Some(found) = store.function(name).await.map_err(store_error)? {
        return Ok(found);
    }
    let published = store.functions().await.map_err(store_error)?;
    let names: Vec<&str> = published.iter().map(|f| f.name.as_str()).collect();
    Err(unknown_task(name, &names))
}

async fn all(store: &dyn TaskStore) -> Result<Vec<TaskFunction>, ApiError> {
    let mut tasks = Vec::new();
    for named in store.functions().await.map_err(store_error)? {
        tasks.extend(store.function(&named.name).await.map_err(store_error)?);
    }
    Ok(tasks)
}

fn documented(task: TaskFunction) -> (TaskFunction, Doc) {
    let mut doc = Doc::of(&task.code);
    doc.description = doc.description.or_else(|| task.description.clone());
    (task, doc)
}

fn plain((task, doc): &(TaskFunction, Doc)) -> Value {
    json!({
        "name": task.name,
        "version": task.version,
        "description": doc.description,
        "input": doc.input,
        "returns": doc.returns,
    })
}

/// A tool of OpenAI's function calling.
fn openai((task, doc): &(TaskFunction, Doc)) -> Value {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let name: String = task.name.chars().map(safe).take(OPENAI_NAME).collect();
    json!({
        "type": "function",
        "function": { "name": name, "description": doc.description, "parameters": doc.input },
    })
}

/// One document: all tasks share the path, and the identifier tells them apart.
fn openapi(docs: &[(TaskFunction, Doc)]) -> Value {
    let body = |(task, doc): &(TaskFunction, Doc)| {
        json!({
            "type": "object",
            "title": task.name,
            "description": doc.description,
            "properties": { "task_identifier": { "const": task.name }, "input": doc.input },
            "required": ["task_identifier"],
        })
    };
    let mut bodies: Vec<Value> = docs.iter().map(body).collect();
    let schema = if bodies.len() == 1 { bodies.remove(0) } else { json!({ "oneOf": bodies }) };
    json!({
        "openapi": "3.1.0",
        "info": { "title": "tasker tasks", "version": env!("CARGO_PKG_VERSION") },
        "paths": { "/functions/v1/tasks/execute": { "post": {
            "summary": "Submit a task",
            "requestBody": { "required": true, "content": { "application/json": { "schema": schema } } },
            "responses": {
                "200": { "description": "The task run was submitted" },
                "400": { "description": "The request is wrong" },
                "404": { "description": "No such task" },
            },
        } } },
    })
}
