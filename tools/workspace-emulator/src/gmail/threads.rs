//! `gmail.users.threads`: list and get.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::render::{self, Format};
use super::search::{Search, estimate};
use crate::answer::Answer;
use crate::app::App;
use crate::error::ApiError;
use crate::gate::Caller;
use crate::paging;

/// `GET threads`: threads with a message that is found, by their newest such message.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(user_id): Path<String>,
) -> Result<Answer, ApiError> {
    let user = super::mailbox(&app, &caller, &user_id)?;
    let search = Search::new(&app.world, &caller, user)?;
    let size = caller.params.page_size(100)?;
    let mut found = search.run(&app.world, user);
    let mut seen = HashSet::new();
    found.retain(|entry| seen.insert(entry.thread_id.clone()));
    let listing = format!("threads\u{0}{}", search.listing);
    let before = match caller.params.get("pageToken").filter(|token| !token.is_empty()) {
        Some(token) => paging::place(&listing, token)?,
        None => i64::MAX,
    };
    let mut rest = found.iter().filter(|entry| entry.internal_date < before).peekable();
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let mut answer = json!({});
    if let Some(last) = page.last() {
        let render = |entry: &&crate::world::Entry| {
            let snippet = render::snippet(&app.world.open(user, entry));
            let history_id = entry.history_id.to_string();
            json!({ "id": entry.thread_id, "snippet": snippet, "historyId": history_id })
        };
        answer["threads"] = page.iter().map(render).collect::<Value>();
        if rest.peek().is_some() {
            answer["nextPageToken"] = Value::from(paging::token(&listing, last.internal_date));
        }
    }
    answer["resultSizeEstimate"] = json!(estimate(found.len()));
    Ok(Answer::new(answer))
}

/// `GET threads/{id}`: every message of the thread, oldest first.
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((user_id, id)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let user = super::mailbox(&app, &caller, &user_id)?;
    let format = Format::of(&caller)?;
    let mut entries = app.world.entries(user);
    entries.retain(|entry| entry.thread_id == id);
    let newest = entries.iter().map(|entry| entry.history_id).max();
    let newest = newest.ok_or_else(ApiError::not_found)?;
    let messages: Vec<Value> = entries
        .iter()
        .rev()
        .map(|entry| render::message(&app.world.open(user, entry), &format))
        .collect();
    Ok(Answer::new(json!({
        "id": id, "historyId": newest.to_string(), "messages": messages,
    })))
}
