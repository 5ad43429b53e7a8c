//! `GET /` and `GET /health`: who this is.

use axum::Json;
use serde_json::{Value, json};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the service is and what it offers.
pub async fn index() -> Json<Value> {
    Json(json!({
        "service": "tasks",
        "version": VERSION,
        "status": "running",
        "endpoints": [
            "POST /execute", "POST /publish", "GET /status?id=N", "GET /status/N",
            "GET /logs?task_id=N", "GET /list", "GET /runs", "GET /schema?task=NAME",
            "POST /cancel", "POST /pause", "POST /resume", "POST /retry",
            "POST /upgrade", "GET /attention", "POST /resolve", "GET /health",
        ],
    }))
}

/// Alive. The database is not asked: a probe must not restart a service because of it.
pub async fn health() -> Json<Value> {
    Json(json!({ "status": "healthy", "service": "tasks", "version": VERSION }))
}
