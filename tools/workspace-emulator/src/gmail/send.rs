//! `gmail.users.messages.send`: a call that must not happen twice. Mail stays in SENT, nothing is delivered.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::answer::Answer;
use crate::app::App;
use crate::error::{ApiError, read_body};
use crate::gate::Caller;

/// What is sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outgoing {
    /// RFC 5322 bytes, base64url.
    #[serde(default)]
    raw: String,
    /// The thread that the message answers.
    thread_id: Option<String>,
}

/// `POST messages/send`.
pub async fn send(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(user_id): Path<String>,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let outgoing: Outgoing = read_body(&body)?;
    let user = super::mailbox(&app, &caller, &user_id)?;
    let refused = |message: String| ApiError::new(400, "invalidArgument", message);
    if outgoing.raw.is_empty() {
        return Err(refused("'raw' RFC822 payload message string required".to_owned()));
    }
    let text = outgoing.raw.trim_end_matches('=').replace('+', "-").replace('/', "_");
    let raw = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|error| refused(format!("Invalid value at 'message.raw': {error}")))?;
    let entry = app
        .world
        .send(user, &raw, outgoing.thread_id.as_deref())
        .map_err(|error| refused(error.to_string()))?;
    Ok(Answer::new(json!({
        "id": entry.id, "threadId": entry.thread_id, "labelIds": entry.labels,
    })))
}
