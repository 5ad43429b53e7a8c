//! `/_admin`: the tests' side door, open to loopback peers only.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::App;
use crate::faults::Rule;
use crate::params::Params;
use crate::truth::truth;
use crate::world::Trouble;

type Refused = (StatusCode, Answer);

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/_admin/faults", post(add_faults).get(list_faults).delete(clear_faults))
        .route("/_admin/requests", get(list_requests).delete(clear_requests))
        .route("/_admin/people", post(set_people).get(list_people).delete(clear_people))
        .route("/_admin/effects", get(list_effects).delete(clear_effects))
        .route("/_admin/tokens", axum::routing::delete(revoke_tokens))
        .route("/_admin/truth", get(show_truth))
        .route("/_admin/stats", get(stats))
        .layer(from_fn(loopback_only))
}

async fn loopback_only(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<SocketAddr>();
    if peer.is_some_and(|peer| peer.ip().is_loopback()) {
        return next.run(request).await;
    }
    let body = json!({ "error": "/_admin answers loopback peers only" });
    (StatusCode::FORBIDDEN, Answer::verbatim(body)).into_response()
}

fn refused(message: impl std::fmt::Display) -> Refused {
    let body = json!({ "error": message.to_string() });
    (StatusCode::BAD_REQUEST, Answer::verbatim(body))
}

/// One rule or a list of them.
async fn add_faults(State(app): State<Arc<App>>, body: Bytes) -> Result<Answer, Refused> {
    let body: Value = serde_json::from_slice(&body).map_err(refused)?;
    let rules = if let Value::Array(list) = body { list } else { vec![body] };
    for rule in rules {
        // Flattening hides misspelt names from serde.
        let known =
            "match times status hang_ms hangMs html reset after retryAfter retry_after reason";
        let mut names = rule.as_object().into_iter().flat_map(|map| map.keys());
        if let Some(odd) = names.find(|name| !known.split(' ').any(|known| known == *name)) {
            return Err(refused(format!("{odd}: unknown; known are {known}")));
        }
        let rule: Rule = serde_json::from_value(rule).map_err(refused)?;
        app.faults.add(rule).map_err(refused)?;
    }
    Ok(Answer::verbatim(json!({ "faults": app.faults.list() })))
}

async fn list_faults(State(app): State<Arc<App>>) -> Answer {
    Answer::verbatim(json!({ "faults": app.faults.list() }))
}

async fn clear_faults(State(app): State<Arc<App>>) -> Answer {
    app.faults.clear();
    Answer::verbatim(json!({ "faults": [] }))
}

async fn list_requests(State(app): State<Arc<App>>) -> Answer {
    Answer::verbatim(json!({ "requests": app.log.lines() }))
}

async fn clear_requests(State(app): State<Arc<App>>) -> Answer {
    app.log.clear();
    Answer::verbatim(json!({ "requests": [] }))
}

async fn stats(State(app): State<Arc<App>>) -> Answer {
    Answer::verbatim(app.log.stats())
}

async fn list_effects(State(app): State<Arc<App>>) -> Answer {
    Answer::verbatim(json!({ "effects": app.world.effects.log() }))
}

async fn clear_effects(State(app): State<Arc<App>>) -> Answer {
    app.world.effects.clear();
    Answer::verbatim(json!({ "effects": [] }))
}

/// Every access token stops counting: clients must fetch new ones.
async fn revoke_tokens(State(app): State<Arc<App>>) -> Answer {
    app.tokens.revoke_all();
    Answer::verbatim(json!({ "revoked": true }))
}

/// `{"suspended":[…],"noMailbox":[…],"well":[…]}`, by address or number.
async fn set_people(State(app): State<Arc<App>>, body: Bytes) -> Result<Answer, Refused> {
    let body: Value = serde_json::from_slice(&body).map_err(refused)?;
    let kinds = [
        ("suspended", Some(Trouble::Suspended)),
        ("noMailbox", Some(Trouble::NoMailbox)),
        ("well", None),
    ];
    let mut changes = Vec::new();
    for (name, list) in body.as_object().ok_or_else(|| refused("body: must be an object"))? {
        let kind = kinds.iter().find(|(known, _)| known == name);
        let (_, trouble) =
            kind.ok_or_else(|| refused(format!("{name}: use suspended, noMailbox or well")))?;
        let list = list.as_array().ok_or_else(|| refused(format!("{name}: must be a list")))?;
        for person in list {
            let person = person.as_str().map_or_else(|| person.to_string(), str::to_owned);
            changes.push((app.world.find_named(&person).map_err(refused)?, *trouble));
        }
    }
    for (user, trouble) in changes {
        app.world.set_trouble(user, trouble);
    }
    Ok(list_people(State(app)).await)
}

async fn list_people(State(app): State<Arc<App>>) -> Answer {
    let having = |trouble: Trouble| {
        let users = (0..app.world.users.len()).filter(|u| app.world.trouble(*u) == Some(trouble));
        users.map(|user| app.world.users[user].email.clone()).collect::<Vec<_>>()
    };
    Answer::verbatim(json!({
        "suspended": having(Trouble::Suspended), "noMailbox": having(Trouble::NoMailbox),
    }))
}

async fn clear_people(State(app): State<Arc<App>>) -> Answer {
    for user in 0..app.world.users.len() {
        app.world.set_trouble(user, None);
    }
    list_people(State(app)).await
}

async fn show_truth(State(app): State<Arc<App>>, request: Request) -> Result<Answer, Refused> {
    let params = Params::parse(request.uri().query().unwrap_or_default());
    let number = |name: &str, usual: usize| match params.get(name) {
        None => Ok(usual),
        Some(text) => text.parse().map_err(|_| refused(format!("{name}: must be a number"))),
    };
    let (max_users, max_results) = (number("maxUsers", 500)?, number("maxResults", 500)?);
    let query = params.get("query").unwrap_or_default().to_owned();
    // A search of every mailbox takes seconds in a debug build: not on a thread that serves calls.
    let work = move || truth(&app.world, &query, max_users, max_results);
    let found = tokio::task::spawn_blocking(work).await.map_err(refused)?;
    serde_json::to_value(found).map(Answer::verbatim).map_err(refused)
}
