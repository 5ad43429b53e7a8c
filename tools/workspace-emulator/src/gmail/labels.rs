//! `gmail.users.labels`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::App;
use crate::error::ApiError;
use crate::gate::Caller;
use crate::world::USER_LABELS;

const SYSTEM: [&str; 15] = [
    "CHAT",
    "SENT",
    "INBOX",
    "IMPORTANT",
    "TRASH",
    "DRAFT",
    "SPAM",
    "CATEGORY_FORUMS",
    "CATEGORY_UPDATES",
    "CATEGORY_PERSONAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_SOCIAL",
    "STARRED",
    "UNREAD",
    "YELLOW_STAR",
];

/// `GET labels`: without counts, as Gmail does it.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(user_id): Path<String>,
) -> Result<Answer, ApiError> {
    super::mailbox(&app, &caller, &user_id)?;
    Ok(Answer::new(json!({ "labels": all().collect::<Vec<_>>() })))
}

/// `GET labels/{id}`: with counts.
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((user_id, id)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let user = super::mailbox(&app, &caller, &user_id)?;
    let mut label = all().find(|label| label["id"] == id).ok_or_else(ApiError::not_found)?;
    let mut entries = app.world.entries(user);
    entries.retain(|entry| entry.has_label(&id));
    let threads = |unread: bool| {
        let counted = entries.iter().filter(|entry| !unread || entry.has_label("UNREAD"));
        let ids = counted.map(|entry| &entry.thread_id);
        ids.collect::<std::collections::HashSet<_>>().len()
    };
    label["messagesTotal"] = json!(entries.len());
    label["messagesUnread"] = json!(entries.iter().filter(|e| e.has_label("UNREAD")).count());
    label["threadsTotal"] = json!(threads(false));
    label["threadsUnread"] = json!(threads(true));
    Ok(Answer::new(label))
}

/// True if a message may wear this label.
pub(super) fn exists(id: &str) -> bool {
    SYSTEM.contains(&id) || USER_LABELS.iter().any(|(known, _)| *known == id)
}

fn all() -> impl Iterator<Item = Value> {
    let system = SYSTEM.iter().map(|id| json!({ "id": id, "name": id, "type": "system" }));
    let own = USER_LABELS.iter().map(|(id, name)| {
        json!({
            "id": id,
            "name": name,
            "messageListVisibility": "show",
            "labelListVisibility": "labelShow",
            "type": "user",
        })
    });
    system.chain(own)
}
