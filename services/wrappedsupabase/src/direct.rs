//! Requests that the database answers directly.

use http::StatusCode;
use tasker_core::{Json, json};
use tasker_http::{Caller, Role};
use tasker_store::TableStore;
use tasker_tables::{Answer, Asker, Data, Once, QueryError};

use crate::{
    State,
    chain::{Accept, One, RestCall, Verb},
    fault::Fault,
    plan::plan,
    result::Outcome,
};

/// Answers a request; with a key, as it was answered before.
pub async fn answer(
    state: &State,
    call: &RestCall,
    caller: &Caller,
    once: Option<&Once>,
) -> Result<Outcome, Fault> {
    let query = plan(call, &state.settings)?;
    let asker = asker(caller);
    let store: &dyn TableStore = &*state.store;
    let answer = store.rest_once(&query, asker.as_ref(), once).await;
    let answer = answer.map_err(|e| Fault::of(e, caller.role == Role::Anon))?;
    let status = status(call, &answer, query.read.offset)?;
    let count = answer.count;
    let data = if call.head { Data::Nothing } else { answer.data };
    let data = match data {
        Data::Nothing => json::null(),
        Data::Value(value) => value,
        Data::Text(text) => json::of(&text),
        Data::Rows(rows) => return shaped(call, rows, count, status),
    };
    Ok(Outcome { data, count, status })
}

/// Rows as an array, or the one of them.
fn shaped(
    call: &RestCall,
    mut rows: Vec<Json>,
    count: Option<u64>,
    status: StatusCode,
) -> Result<Outcome, Fault> {
    let data = match (call.accept, call.one, rows.len()) {
        (Accept::Object, _, 1) | (_, One::OrNone, 1) => rows.remove(0),
        (_, One::OrNone, 0) => json::null(),
        (_, One::OrNone, n) => return Err(Fault::several(n)),
        _ => json::of(&rows),
    };
    Ok(Outcome { data, count, status })
}

/// PostgREST's status.
fn status(call: &RestCall, answer: &Answer, offset: u64) -> Result<StatusCode, Fault> {
    Ok(match &call.verb {
        Verb::Insert | Verb::Upsert { .. } => StatusCode::CREATED,
        Verb::Update | Verb::Delete if !call.returning => StatusCode::NO_CONTENT,
        Verb::Update | Verb::Delete => StatusCode::OK,
        Verb::Rpc { .. } if matches!(answer.data, Data::Nothing) => StatusCode::NO_CONTENT,
        Verb::Select | Verb::Rpc { .. } => match answer.count {
            Some(total) if offset > total => {
                let error = QueryError::new("PGRST103", "Requested range not satisfiable");
                let rows = format!("there are only {total} rows");
                return Err(error
                    .details(format!("An offset of {offset} was requested, but {rows}."))
                    .into());
            }
            Some(total) if answer.affected < total => StatusCode::PARTIAL_CONTENT,
            _ => StatusCode::OK,
        },
    })
}

/// Who asks. The service role without claims is the connection itself.
fn asker(caller: &Caller) -> Option<Asker> {
    let switch = caller.role != Role::Service;
    if !switch && caller.claims.is_empty() {
        return None;
    }
    let named = caller.claims.get("role").and_then(|r| r.as_str());
    let role = match caller.role {
        Role::Authenticated => named.unwrap_or("authenticated"),
        other => other.as_str(),
    };
    let mut claims = (*caller.claims).clone();
    claims.entry("role").or_insert_with(|| role.into());
    let claims = serde_json::Value::Object(claims).to_string();
    Some(Asker { role: role.to_owned(), claims, switch })
}
