//! `GET /attention`: calls whose outcome is unknown, for a person to decide.

use axum::{extract::State, response::Response};
use serde_json::json;
use tasker_http::ApiError;

use crate::answer::{store_error, success};
use crate::query::{Params, number};

const CALLS: u32 = 50;
const MOST_CALLS: u32 = 500;

/// `?limit=`, those that have waited longest first.
pub async fn attention(
    State(state): State<crate::State>,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = number(&params, "limit", CALLS, MOST_CALLS).map_err(ApiError::enveloped)?;
    let calls = state.store.attention(limit).await.map_err(|e| store_error(e).enveloped())?;
    Ok(success(json!({ "calls": calls })))
}
