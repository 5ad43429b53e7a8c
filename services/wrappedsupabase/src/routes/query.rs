//! `POST /`: one call chain.

use axum::{extract::State, response::Response};
use serde_json::{Map, Value};
use tasker_http::{ApiError, JsonBody};
use tasker_store::{StorageAdapter, StoreError, TableOp};

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

/// The engine's own rows: task code may read them, and change them only through the services, which
/// keep a run's rows consistent. `task_functions` may be written, as the original's publish does.
const ENGINE: [&str; 4] = ["task_runs", "stack_runs", "task_logs", "task_function_versions"];

fn writable(plan: &Plan) -> Result<(), Fault> {
    let table = plan.query.table.to_ascii_lowercase();
    if plan.query.op == TableOp::Select || !ENGINE.contains(&table.as_str()) {
        return Ok(());
    }
    let message = format!("permission denied for table {table}: it is read-only here");
    Err(Fault::from(StoreError::Invalid { code: "42501".into(), message }))
}

async fn rows(store: &dyn StorageAdapter, plan: &Plan) -> Result<Vec<Value>, Fault> {
    writable(plan)?;
    // supabase-js sends an empty list too, and it adds nothing.
    if let TableOp::Insert(rows) | TableOp::Upsert(rows, _) = &plan.query.op
        && rows.is_empty()
    {
        return Ok(Vec::new());
    }
    store.table(&plan.query).await.map_err(Fault::from)
}
