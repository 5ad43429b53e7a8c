//! `gmail.users.messages`: list and get.

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

/// `GET messages`: ids, newest first, page by page.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(user_id): Path<String>,
) -> Result<Answer, ApiError> {
    let user = super::mailbox(&app, &caller, &user_id)?;
    let search = Search::new(&app.world, &caller, user)?;
    let size = caller.params.page_size(100)?;
    let found = search.run(&app.world, user);
    // The token holds a date, not a count: mail that arrives meanwhile shifts nothing.
    let before = match caller.params.get("pageToken").filter(|token| !token.is_empty()) {
        Some(token) => paging::place(&search.listing, token)?,
        None => i64::MAX,
    };
    let mut rest = found.iter().filter(|entry| entry.internal_date < before).peekable();
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let mut answer = json!({});
    if let Some(last) = page.last() {
        let render = |e: &&crate::world::Entry| json!({ "id": e.id, "threadId": e.thread_id });
        answer["messages"] = page.iter().map(render).collect::<Value>();
        if rest.peek().is_some() {
            let token = paging::token(&search.listing, last.internal_date);
            answer["nextPageToken"] = Value::from(token);
        }
    }
    answer["resultSizeEstimate"] = json!(estimate(found.len()));
    Ok(Answer::new(answer))
}

/// `GET messages/{id}` in one of four formats.
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((user_id, id)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let user = super::mailbox(&app, &caller, &user_id)?;
    let format = Format::of(&caller)?;
    let message = app.world.message(user, &id).ok_or_else(ApiError::not_found)?;
    Ok(Answer::new(render::message(&message, &format)))
}
