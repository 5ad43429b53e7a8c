//! `GET /` and `GET /health`.

use axum::Json;
use serde_json::{Value, json};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the service is and what it offers.
pub async fn index() -> Json<Value> {
    Json(json!({
        "service": "wrappedkeystore", "version": VERSION, "status": "running",
        "endpoints": ["POST /", "GET /health"],
    }))
}

/// Alive. The database is not asked: a probe must not restart a service because of it.
pub async fn health() -> Json<Value> {
    Json(json!({ "status": "healthy", "service": "wrappedkeystore", "version": VERSION }))
}
