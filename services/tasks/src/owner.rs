//! Whose a run is. Clients submit and read runs of their own; the service role those of all.

use serde_json::Value;
use tasker_core::{TaskRun, TaskRunId};
use tasker_http::{ApiError, Caller};
use tasker_store::{Owner, TaskStore};

use crate::query;

/// Whose a run is that `caller` submits; nobody's if that is a service. `claim` names the tenant
/// in the claims of the caller's token.
pub fn of(caller: &Caller, claim: Option<&str>) -> Option<Owner> {
    let id = caller.owner()?.to_owned();
    let named = claim.and_then(|path| {
        let mut names = path.split('.');
        let first = caller.claims.get(names.next()?)?;
        match names.try_fold(first, |value, name| value.get(name))? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    });
    // A user who happens to be called like a tenant is not that tenant.
    let tenant = named.map_or_else(|| id.clone(), |tenant| format!("tenant:{tenant}"));
    Some(Owner { id, tenant })
}

/// The run, if it is the caller's; another's is as good as none.
pub async fn run(
    store: &dyn TaskStore,
    id: TaskRunId,
    caller: &Caller,
) -> Result<TaskRun, ApiError> {
    let run = query::run(store, id).await?;
    match caller.owner() {
        Some(owner) if run.owner.as_deref() != Some(owner) => Err(query::no_run(id)),
        _ => Ok(run),
    }
}
