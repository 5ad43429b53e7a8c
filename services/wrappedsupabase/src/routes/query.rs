//! `POST /`: one call chain.

use std::collections::HashMap;

use axum::{extract::State, response::Response};
use http::HeaderMap;
use tasker_core::Json;
use tasker_http::{ApiError, Caller, JsonBody};
use tasker_tables::Once;

use crate::{
    chain::{self, Asked, Link, RestCall},
    direct,
    fault::{self, Fault},
    forward::{self, Credentials},
    once, result,
};

type Body = Result<JsonBody<HashMap<String, Json>>, ApiError>;

/// Answers supabase-js's result. HTTP 200 also for the database's own errors, which task code
/// reads from `error`; 400 for a chain that is not understood; 503 when trying again may help.
pub async fn query(
    State(state): State<crate::State>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let asked = body.map_err(Fault::from).and_then(|JsonBody(body)| {
        let once = once::of(&headers, &caller, &body)?;
        Ok((chain::read(&body)?, once))
    });
    let (asked, once) = match asked {
        Ok((asked, once)) => (Ok(asked), once),
        Err(fault) => (Err(fault), None),
    };
    match asked {
        Ok(Asked::Rest(call)) => rest(&state, &call, &caller, &headers, once.as_ref()).await,
        Ok(Asked::Auth(links)) => {
            part(&state, "auth.admin", &links, &caller, &headers, forward::auth).await
        }
        Ok(Asked::Storage(links)) => {
            part(&state, "storage", &links, &caller, &headers, forward::storage).await
        }
        Err(fault) => result::failed(&fault, false),
    }
}

async fn rest(
    state: &crate::State,
    call: &RestCall,
    caller: &Caller,
    headers: &HeaderMap,
    once: Option<&Once>,
) -> Response {
    let outcome = match &state.forward {
        Some(project) if state.forwards => {
            let credentials = Credentials::of(project, caller, headers);
            let once = once.filter(|_| call.writes());
            forward::once(project, call, &credentials, &*state.store, once).await
        }
        _ => direct::answer(state, call, caller, once).await,
    };
    match outcome {
        Ok(outcome) => result::of(outcome),
        Err(fault) => result::failed(&fault, call.throw),
    }
}

/// `auth.admin` or `storage`, which have results of their own.
async fn part(
    state: &crate::State,
    name: &str,
    links: &[Link],
    caller: &Caller,
    headers: &HeaderMap,
    read: fn(&[Link], &forward::Forward) -> Result<forward::Sent, Fault>,
) -> Response {
    let Some(project) = &state.forward else {
        return result::failed(&Fault::needs_project(name), false);
    };
    let sent = match read(links, project) {
        Ok(sent) => sent,
        Err(fault) => return result::failed(&fault, false),
    };
    let credentials = Credentials::of(project, caller, headers);
    match forward::send(project, sent, &credentials).await {
        Ok((value, status)) => {
            let mut response = result::object(&value);
            *response.status_mut() = status;
            response
        }
        // Nothing was answered: who called may try again, unless it may have been done.
        Err(fault) => {
            let mut response = result::object(&fault::as_object(&fault));
            *response.status_mut() = fault.http;
            response
        }
    }
}
