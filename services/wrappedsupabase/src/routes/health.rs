//! `GET /health`.

use axum::Json;
use serde_json::{Value, json};

/// Alive. The database is not asked: a probe must not restart a service because of it.
pub async fn health() -> Json<Value> {
    Json(json!({
        "status": "healthy", "service": "wrappedsupabase", "version": env!("CARGO_PKG_VERSION"),
    }))
}
