//! `gmail.users.getProfile`.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use serde_json::json;

use crate::answer::Answer;
use crate::app::App;
use crate::error::ApiError;
use crate::gate::Caller;

/// `GET profile`.
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(user_id): Path<String>,
) -> Result<Answer, ApiError> {
    let user = super::mailbox(&app, &caller, &user_id)?;
    let entries = app.world.entries(user);
    let threads: HashSet<&str> = entries.iter().map(|entry| entry.thread_id.as_str()).collect();
    let newest = entries.iter().map(|entry| entry.history_id).max().unwrap_or(1000);
    Ok(Answer::new(json!({
        "emailAddress": app.world.users[user].email,
        "messagesTotal": entries.len(),
        "threadsTotal": threads.len(),
        "historyId": newest.to_string(),
    })))
}
