//! Answers in the shape that the asking client's generation understands.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;
use tasker_core::run::Rejected;
use tasker_http::ApiError;
use tasker_store::StoreError;

/// Seconds after which a client that was turned away may come back.
const COME_BACK: u32 = 5;

/// How a client wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `{"success":true,"data":...}` and `{"success":false,"error":...}`: sends `task_identifier`.
    Enveloped,
    /// The bare value and `{"error":...}`: sends `taskName`.
    Bare,
}

impl Shape {
    /// The error in this shape.
    pub fn error(self, error: ApiError) -> ApiError {
        match self {
            Self::Enveloped => error.enveloped(),
            Self::Bare => error,
        }
    }
}

#[derive(Serialize)]
struct Envelope<T> {
    success: bool,
    data: T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logs: Vec<String>,
}

/// `{"success":true,"data":...}`.
pub fn success(data: impl Serialize) -> Response {
    success_with_logs(data, Vec::new())
}

/// The same with what happened, a line each.
pub fn success_with_logs(data: impl Serialize, logs: Vec<String>) -> Response {
    Json(Envelope { success: true, data, logs }).into_response()
}

/// What a client is told about a failed verb. SQL and the database's sentences go to the log only.
pub fn store_error(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound(_) => ApiError::not_found(error.to_string()),
        StoreError::Rejected(Rejected::Ended(status) | Rejected::NotFailed(status)) => {
            ApiError::conflict(error.to_string()).with("status", status.as_str())
        }
        StoreError::Rejected(_) => ApiError::conflict(error.to_string()),
        StoreError::KeyReused(_) => {
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
        }
        StoreError::Full(_) | StoreError::FullForTenant(_) => {
            ApiError::too_many(error.to_string(), COME_BACK)
        }
        StoreError::Unavailable(cause) => ApiError::unavailable(cause),
        StoreError::Invalid { .. } | StoreError::Corrupt(_) | StoreError::Sealed(_) => {
            ApiError::internal(error)
        }
    }
}
