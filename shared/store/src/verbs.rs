//! The verbs that move a run, once for both databases. Each is one transaction.

use tasker_core::{
    Json, Kind, StackRunId, TaskRunId,
    call::CallOptions,
    chain::Rejected,
    json,
    wire::{Handed, LeaseRef},
};

use crate::{
    Result, StoreError, Value,
    journal::AtRest,
    plan::{Loaded, Plan, Times},
    session::{Session, Write},
    shares, sql,
    types::{Advance, Advanced, Claimed, Outcome},
    value::Row,
};
pub use tasker_sql::{finish, granted, one, single};

/// Which row to lease.
#[derive(Clone, Copy)]
pub enum Wanted {
    /// The one that has waited longest in a share that is its turn.
    Next,
    /// This one, if it is ready.
    Row(StackRunId),
    /// This one, if it waits for a person.
    Attention(StackRunId),
}

/// Leases a row. `beat`: its holder was not heard of for a while, and is to be known to live.
pub async fn claim<S: Session>(
    s: S,
    wanted: Wanted,
    owner: &str,
    beat: Option<Write>,
) -> Result<Option<AtRest<Claimed>>> {
    let mut params: Vec<Value> = vec![owner.into()];
    let (statement, row) = match wanted {
        Wanted::Next => (sql::CLAIM_NEXT, None),
        Wanted::Row(id) => (sql::CLAIM_ROW, Some(id)),
        Wanted::Attention(id) => (sql::CLAIM_ATTENTION, Some(id)),
    };
    params.extend(row.map(Value::from));
    if row.is_none() {
        params.push(shares::in_some_order().into());
    }
    let writes = beat.into_iter().chain([Write::new(statement, params)]).collect();
    let found = s.commit(writes).await?.pop().unwrap_or_default();
    found.into_iter().next().map(|row| claimed(row, owner)).transpose()
}

/// Reads a row as claims answer it.
pub fn claimed(mut r: Row, owner: &str) -> Result<AtRest<Claimed>> {
    let id = StackRunId(r.int()?);
    let task_run_id = TaskRunId(r.int()?);
    let parent = r.maybe_int()?.map(StackRunId);
    let kind = Kind::parse(&r.text()?).ok_or_else(|| StoreError::Corrupt("kind".into()))?;
    let (seq, service, method) = (r.seq()?, r.text()?, r.text()?);
    let args = r.maybe_json()?.unwrap_or_else(json::null);
    let options = options(r.maybe_json()?)?;
    let (idempotent, epoch, attempt) = (r.bool()?, r.int()?, r.count()?);
    let (crashes, executor) = (r.count()?, r.maybe_text()?);
    // A root may have a parent too: the call of the run that started it.
    let root_id = if kind == Kind::Task { id } else { parent.unwrap_or(id) };
    let lease = LeaseRef { id, epoch, owner: owner.to_owned() };
    let row = Handed {
        lease,
        root_id,
        task_run_id,
        seq,
        service,
        method,
        args,
        options,
        idempotent,
        attempt,
        crashes,
        executor,
    };
    Ok(AtRest::new(Claimed { kind, row }))
}

/// What a row says of how its call is to be made.
pub fn options(column: Option<Json>) -> Result<CallOptions> {
    let Some(text) = column else { return Ok(CallOptions::default()) };
    serde_json::from_str(text.get()).map_err(|e| StoreError::Corrupt(format!("options: {e}")))
}

/// Commits what task code did up to its quiet point.
pub async fn advance<S: Session>(mut s: S, a: &Advance, times: Times) -> Result<AtRest<Advanced>> {
    let plan = load(&mut s, a.root_id).await.and_then(|l| l.advance(a, times));
    commit(s, plan, times).await.map(AtRest::new)
}

/// Records a call's outcome for a run whose isolate is gone.
pub async fn record<S: Session>(
    mut s: S,
    lease: &LeaseRef,
    outcome: &Outcome,
    at_ms: i64,
    times: Times,
) -> Result<Advanced> {
    let plan = load_above(&mut s, lease.id).await;
    let plan = plan.and_then(|l| l.record(lease, outcome, at_ms, times));
    commit(s, plan, times).await
}

/// Gives a row back, to be claimed again after `times.delay_ms`.
pub async fn release<S: Session>(mut s: S, row: &Handed, times: Times) -> Result<()> {
    let plan = load(&mut s, row.root_id).await.and_then(|l| l.release(&row.lease, times));
    commit(s, plan, times).await.map(|_| ())
}

/// A call waits for a person: whoever was asked does not know whether it happened.
pub async fn doubt<S: Session>(mut s: S, lease: &LeaseRef, times: Times) -> Result<Advanced> {
    let plan = load_above(&mut s, lease.id).await.and_then(|l| l.doubt(lease, times));
    commit(s, plan, times).await
}

/// Writes a plan, if there is one.
pub async fn commit<S: Session>(mut s: S, plan: Result<Plan>, times: Times) -> Result<Advanced> {
    let plan = match plan {
        Ok(plan) => with_outer(&mut s, plan, times).await,
        refused => refused,
    };
    let (s, plan) = granted(s, plan).await?;
    let Plan { writes, mut reply, made_at, handed_new, .. } = plan;
    let mut results = s.commit(writes).await?;
    for at in made_at {
        let rows = std::mem::take(&mut results[at]);
        reply.made.push(StackRunId(one(rows)?.int()?));
    }
    if let (Some(next), Some(i)) = (&mut reply.next, handed_new) {
        next.lease.id = reply.made[i];
    }
    Ok(reply)
}

/// If a nested run ended, the call above it is settled in the same transaction.
pub async fn with_outer<S: Session>(s: &mut S, mut plan: Plan, times: Times) -> Result<Plan> {
    let Some((call, outcome)) = plan.outer.take() else { return Ok(plan) };
    let now = one(s.query(sql::NOW, vec![]).await?)?.int()?;
    match load_above(s, call).await.and_then(|l| l.nested(call, &outcome, now, times)) {
        Ok(above) => {
            plan.writes.extend(above.writes);
            plan.reply.wake |= above.reply.wake;
            Ok(plan)
        }
        // The run above ended first and does not need this one any more.
        Err(StoreError::Rejected(Rejected::Fenced)) => Ok(plan),
        Err(other) => Err(other),
    }
}

pub async fn load<S: Session>(s: &mut S, root: StackRunId) -> Result<Loaded> {
    let lock = Write::new(sql::LOCK_CHAIN, [root.into()]);
    let load = Write::new(sql::LOAD_CHAIN, [root.into()]);
    let mut found = s.queries(vec![lock, load]).await?;
    Loaded::read(root, found.pop().unwrap_or_default())
}

/// Loads the run that a call belongs to.
pub async fn load_above<S: Session>(s: &mut S, call: StackRunId) -> Result<Loaded> {
    let rows = s.query(sql::PARENT, vec![call.into()]).await?;
    let mut row = rows.into_iter().next().ok_or_else(|| StoreError::missing("stack run", call))?;
    let root = row.maybe_int()?.ok_or(StoreError::Rejected(Rejected::Fenced))?;
    load(s, StackRunId(root)).await
}
