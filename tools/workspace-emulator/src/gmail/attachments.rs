//! `gmail.users.messages.attachments`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::json;

use crate::answer::Answer;
use crate::app::App;
use crate::error::ApiError;
use crate::gate::Caller;

/// `GET messages/{messageId}/attachments/{id}`.
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((user_id, message_id, id)): Path<(String, String, String)>,
) -> Result<Answer, ApiError> {
    let user = super::mailbox(&app, &caller, &user_id)?;
    let message = app.world.message(user, &message_id).ok_or_else(ApiError::not_found)?;
    let found = message.body.attachments.iter().find(|file| file.id == id);
    let file =
        found.ok_or_else(|| ApiError::new(400, "invalidArgument", "Invalid attachment token"))?;
    let data = URL_SAFE.encode(file.bytes());
    Ok(Answer::new(json!({ "size": file.size, "data": data })))
}
