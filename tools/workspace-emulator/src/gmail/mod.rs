//! The Gmail API.

pub mod attachments;
pub mod labels;
pub mod messages;
pub mod modify;
pub mod profile;
pub mod send;
pub mod threads;

mod parts;
mod raw;
mod render;
mod search;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;
use crate::error::ApiError;
use crate::gate::Caller;
use crate::world::Trouble;

/// The routes, by the discovery document's paths.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/gmail/v1/users/{userId}/profile", get(profile::get))
        .route("/gmail/v1/users/{userId}/labels", get(labels::list))
        .route("/gmail/v1/users/{userId}/labels/{id}", get(labels::get))
        .route("/gmail/v1/users/{userId}/messages", get(messages::list))
        .route("/gmail/v1/users/{userId}/messages/send", post(send::send))
        .route("/gmail/v1/users/{userId}/messages/{id}", get(messages::get))
        .route("/gmail/v1/users/{userId}/messages/{id}/modify", post(modify::modify))
        .route("/gmail/v1/users/{userId}/messages/{id}/trash", post(modify::trash))
        .route("/gmail/v1/users/{userId}/messages/{id}/untrash", post(modify::untrash))
        .route(
            "/gmail/v1/users/{userId}/messages/{messageId}/attachments/{id}",
            get(attachments::get),
        )
        .route("/gmail/v1/users/{userId}/threads", get(threads::list))
        .route("/gmail/v1/users/{userId}/threads/{id}", get(threads::get))
}

/// The mailbox that the caller may open under this name: its own.
fn mailbox(app: &App, caller: &Caller, user_id: &str) -> Result<usize, ApiError> {
    // A service account that acts for nobody has no mailbox.
    let acting = caller.grant.user.ok_or_else(ApiError::failed_precondition)?;
    if user_id != "me" && app.world.find(user_id) != Some(acting) {
        let message = format!("Delegation denied for {}", app.world.users[acting].email);
        return Err(ApiError::new(403, "forbidden", message));
    }
    match app.world.trouble(acting) {
        Some(Trouble::NoMailbox) => Err(ApiError::failed_precondition()),
        Some(Trouble::Suspended) => Err(ApiError::invalid_credentials()),
        None => Ok(acting),
    }
}

/// True if the token may see no more than headers and labels.
fn metadata_only(caller: &Caller) -> bool {
    let more = ["gmail.readonly", "gmail.modify", "mail.google.com/"];
    caller.has_scope("gmail.metadata") && !more.iter().any(|scope| caller.has_scope(scope))
}
