//! `GET /health`.

use axum::Json;
use axum::extract::State as Extract;
use serde_json::{Value, json};

use crate::State;
use crate::error::timestamp;

/// Healthy as long as it answers; `cache_size` is the number of cached tokens.
pub async fn health(Extract(state): Extract<State>) -> Json<Value> {
    let session = state.0.sessions.peek().await;
    let cache_size = session.map_or(0, |session| session.tokens.cached().len());
    Json(json!({"success": true, "data": {
        "service": "wrappedgapi",
        "status": "healthy",
        "timestamp": timestamp(),
        "cache_size": cache_size,
    }}))
}
