//! The verbs that move a run, once for both databases. Each is one transaction.

use tasker_core::{
    Kind, StackRunId, TaskRunId, json,
    run::Rejected,
    wire::{Handed, LeaseRef},
};

use crate::{
    Result, StoreError, Value,
    journal::AtRest,
    plan::{Loaded, Plan, options},
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

/// Commits what task code did up to its suspension point.
pub async fn advance<S: Session>(mut s: S, a: &Advance) -> Result<AtRest<Advanced>> {
    let plan = load(&mut s, a.root_id).await.and_then(|run| run.advance(a));
    commit(s, plan).await.map(AtRest::new)
}

/// Records a call's outcome for a run whose isolate is gone.
pub async fn record<S: Session>(
    mut s: S,
    lease: &LeaseRef,
    outcome: &Outcome,
    at_ms: i64,
) -> Result<Advanced> {
    let plan = load_run_of(&mut s, lease.id).await;
    let plan = plan.and_then(|run| run.record(lease, outcome, at_ms));
    commit(s, plan).await
}

/// Gives a row back, to be claimed again after `delay_ms`.
pub async fn release<S: Session>(mut s: S, row: &Handed, delay_ms: i64) -> Result<()> {
    let plan = load(&mut s, row.root_id).await.and_then(|run| run.release(&row.lease, delay_ms));
    commit(s, plan).await.map(|_| ())
}

/// A call waits for a person: whoever was asked does not know whether it happened.
pub async fn doubt<S: Session>(mut s: S, lease: &LeaseRef) -> Result<Advanced> {
    let plan = load_run_of(&mut s, lease.id).await.and_then(|run| run.doubt(lease));
    commit(s, plan).await
}

/// Whoever worked on a row died, among `in_flight` rows; false if its lease was lost before.
pub async fn abandon<S: Session>(
    mut s: S,
    lease: &LeaseRef,
    delay_ms: i64,
    in_flight: u32,
) -> Result<bool> {
    let plan = load_run_of(&mut s, lease.id).await;
    while_held(s, plan.and_then(|run| run.abandon(lease, delay_ms, in_flight))).await
}

/// Nothing else runs where the row does; false if its lease was lost before.
pub async fn alone<S: Session>(mut s: S, lease: &LeaseRef) -> Result<bool> {
    let plan = load_run_of(&mut s, lease.id).await.and_then(|run| run.isolate(lease));
    while_held(s, plan).await
}

/// Writes a plan that counts only while a lease is held; answers whether it is.
async fn while_held<S: Session>(s: S, plan: Result<Plan>) -> Result<bool> {
    match commit(s, plan).await {
        Ok(_) => Ok(true),
        Err(StoreError::Rejected(Rejected::Fenced) | StoreError::NotFound(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

/// Writes a plan, if there is one.
pub async fn commit<S: Session>(mut s: S, plan: Result<Plan>) -> Result<Advanced> {
    let plan = match plan {
        Ok(plan) => with_outer(&mut s, plan).await,
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
async fn with_outer<S: Session>(s: &mut S, mut plan: Plan) -> Result<Plan> {
    let Some((call, outcome)) = plan.outer.take() else { return Ok(plan) };
    let now = now(s).await?;
    match load_run_of(s, call).await.and_then(|run| run.nested(call, &outcome, now)) {
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

/// The database's clock, milliseconds.
pub async fn now<S: Session>(s: &mut S) -> Result<i64> {
    one(s.query(sql::NOW, vec![]).await?)?.int()
}

/// Loads a run under its lock.
pub async fn load<S: Session>(s: &mut S, root: StackRunId) -> Result<Loaded> {
    let lock = Write::new(sql::LOCK_RUN, [root.into()]);
    let load = Write::new(sql::LOAD_RUN, [root.into()]);
    let mut found = s.queries(vec![lock, load]).await?;
    Loaded::read(root, found.pop().unwrap_or_default())
}

/// Loads the run that a row belongs to.
pub async fn load_run_of<S: Session>(s: &mut S, row: StackRunId) -> Result<Loaded> {
    let roots = s.query(sql::ROOT_OF, vec![row.into()]).await?;
    let mut root = roots.into_iter().next().ok_or_else(|| StoreError::missing("stack run", row))?;
    load(s, StackRunId(root.int()?)).await
}
