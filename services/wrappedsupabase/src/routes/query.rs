//! `POST /`: one call chain.

use axum::{extract::State, response::Response};
use serde_json::{Map, Value};
use tasker_http::{ApiError, JsonBody};
use tasker_store::{StorageAdapter, TableOp};

use crate::{
    chain::{Plan, plan},
    fault::Fault,
    result,
};

type Body = Result<JsonBody<Map<String, Value>>, ApiError>;

/// Answers supabase-js's result. HTTP 200 also for the database's own errors, which task code
/// reads from `error`; 400 for a chain that is not understood; 503 when trying again may help.
pub async fn query(State(state): State<crate::State>, body: Body) -> Response {
    let plan = match body {
        Ok(JsonBody(body)) => plan(body.get("chain")).map_err(Fault::from),
        Err(error) => Err(Fault::from(error)),
    };
    let rows = match &plan {
        Ok(plan) => rows(&*state.store, plan).await,
        Err(fault) => return result::refused(fault),
    };
    match (plan, rows) {
        (Ok(plan), Ok(rows)) => result::of(&plan, rows),
        (_, Err(fault)) => result::failed(&fault),
        (Err(fault), _) => result::refused(&fault),
    }
}

async fn rows(store: &dyn StorageAdapter, plan: &Plan) -> Result<Vec<Value>, Fault> {
    // supabase-js sends an empty list too, and it adds nothing.
    if let TableOp::Insert(rows) | TableOp::Upsert(rows, _) = &plan.query.op
        && rows.is_empty()
    {
        return Ok(Vec::new());
    }
    store.table(&plan.query).await.map_err(Fault::from)
}
