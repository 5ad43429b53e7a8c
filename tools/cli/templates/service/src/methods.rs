//! What the service can do.

use serde_json::{Value, json};
use tasker_core::call::ServiceRequest;
use tasker_http::ApiError;

/// Does what a call asks for. An error's status says whether it may pass by itself (429, 503);
/// `.with("retryable", true)` says so of any other.
pub fn call(request: &ServiceRequest) -> Result<Value, ApiError> {
    match request.method().as_str() {
        "echo" => {
            let (what,): (Value,) = request.args().map_err(ApiError::bad_request)?;
            Ok(json!({ "echo": what }))
        }
        other => Err(ApiError::not_found(format!("no method '{other}'; there is: echo"))),
    }
}
