//! `directory.groups`: this world has none.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde_json::json;

use super::{check_admin, check_customer, with_etag};
use crate::answer::Answer;
use crate::app::App;
use crate::error::ApiError;
use crate::gate::Caller;

/// `GET groups`.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Answer, ApiError> {
    check_admin(&app, &caller)?;
    let params = &caller.params;
    match (params.get("customer"), params.get("domain").or_else(|| params.get("userKey"))) {
        (Some(customer), _) => check_customer(customer)?,
        (None, Some(_)) => {}
        (None, None) => return Err(ApiError::new(400, "badRequest", "Bad Request")),
    }
    Ok(Answer::new(with_etag(json!({ "kind": "admin#directory#groups", "etag": "" }))))
}
