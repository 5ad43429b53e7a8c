//! Answers in the form of the request.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Value, json};
use tasker_core::time::iso;
use tasker_http::ApiError;
use tasker_store::StoreError;

use crate::request::{Form, Refused};

/// Why there is no value to answer.
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let (status, code) = match refused {
            Refused::Field(_) => (StatusCode::BAD_REQUEST, "INVALID_REQUEST"),
            Refused::Reserved { .. } => (StatusCode::FORBIDDEN, "SECRET_RESERVED"),
            Refused::Unknown { .. } => (StatusCode::NOT_FOUND, "METHOD_NOT_FOUND"),
        };
        Self { status, code, message: refused.to_string() }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let code = match error.status() {
            StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
            s if s.is_server_error() => "INTERNAL_ERROR",
            _ => "INVALID_REQUEST",
        };
        Self { status: error.status(), code, message: error.message().to_owned() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(cause) => ApiError::unavailable(cause).into(),
            // Names the secret and the fix, never the value.
            StoreError::Sealed(why) => {
                tracing::error!(error = %why, "a secret cannot be sealed or opened");
                let (status, code) = (StatusCode::INTERNAL_SERVER_ERROR, why.code());
                Self { status, code, message: why.to_string() }
            }
            // The database's sentence might quote the value.
            StoreError::Invalid { code, .. } => {
                ApiError::internal(format_args!("the database refused it ({code})")).into()
            }
            other => ApiError::internal(other).into(),
        }
    }
}

/// Now, as JavaScript prints it.
pub fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
    iso(i64::try_from(since).unwrap_or_default())
}

/// The answer to a request that began at `began`.
pub fn answer(form: Form, result: Result<Value, Failure>, began: Instant) -> Response {
    match (form, result) {
        (Form::Call, Ok(value)) => Json(value).into_response(),
        (Form::Action, Ok(value)) => Json(json!({
            "success": true,
            "data": { "success": true, "data": value, "metadata": metadata(began) },
            "timestamp": now(),
        }))
        .into_response(),
        (form, Err(failure)) => refuse(form, failure),
    }
}

fn metadata(began: Instant) -> Value {
    json!({
        "timestamp": now(),
        "duration": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "requestId": uuid::Uuid::new_v4().to_string(),
        "version": env!("CARGO_PKG_VERSION"),
    })
}

fn refuse(form: Form, failure: Failure) -> Response {
    let Failure { status, code, message } = failure;
    let body = match form {
        Form::Action => json!({
            "success": false, "error": message, "code": code, "timestamp": now(),
        }),
        Form::Call => json!({
            "error": { "message": message, "code": code, "name": "KeystoreError" },
        }),
    };
    let mut response = (status, Json(body)).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
    }
    response
}
