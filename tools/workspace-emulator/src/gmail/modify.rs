//! `gmail.users.messages`: modify, trash, untrash. Kept in memory.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::answer::Answer;
use crate::app::App;
use crate::error::{ApiError, read_body};
use crate::gate::Caller;

/// Which labels change.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Change {
    add_label_ids: Vec<String>,
    remove_label_ids: Vec<String>,
}

/// `POST messages/{id}/modify`.
pub async fn modify(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((user_id, id)): Path<(String, String)>,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let change: Change = read_body(&body)?;
    let labels = change.add_label_ids.iter().chain(&change.remove_label_ids);
    for label in labels {
        if !super::labels::exists(label) {
            let message = format!("Invalid label: {label}");
            return Err(ApiError::new(400, "invalidArgument", message));
        }
    }
    apply(&app, &caller, &user_id, &id, "modify", &change)
}

/// `POST messages/{id}/trash`.
pub async fn trash(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((user_id, id)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let (add_label_ids, remove_label_ids) = (vec!["TRASH".to_owned()], vec!["INBOX".to_owned()]);
    let change = Change { add_label_ids, remove_label_ids };
    apply(&app, &caller, &user_id, &id, "trash", &change)
}

/// `POST messages/{id}/untrash`.
pub async fn untrash(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((user_id, id)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let change = Change { remove_label_ids: vec!["TRASH".to_owned()], ..Change::default() };
    apply(&app, &caller, &user_id, &id, "untrash", &change)
}

fn apply(
    app: &App,
    caller: &Caller,
    user_id: &str,
    id: &str,
    kind: &'static str,
    change: &Change,
) -> Result<Answer, ApiError> {
    let user = super::mailbox(app, caller, user_id)?;
    let message = app.world.message(user, id).ok_or_else(ApiError::not_found)?;
    let mut labels = message.labels.clone();
    labels.retain(|label| !change.remove_label_ids.contains(label));
    labels.extend(change.add_label_ids.iter().cloned());
    labels.sort_unstable();
    labels.dedup();
    app.world.effects.relabel(user, &app.world.users[user].email, kind, id, &labels);
    Ok(Answer::new(json!({ "id": id, "threadId": message.thread_id, "labelIds": labels })))
}
