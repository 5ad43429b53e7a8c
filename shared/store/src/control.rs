//! The verbs for people and deadlines. Each is one transaction.

use tasker_core::{
    Json, StackRunId, Status, TaskError, TaskRunId, json,
    run::{End, Rejected},
};

use crate::{
    Result, StoreError, Value,
    plan::{Loaded, Plan},
    session::{Session, Write},
    sql, submit,
    types::{Advanced, Resolution, Retry, Upgrade},
    value::Row,
    verbs::{commit, load, load_run_of, now, one},
};

/// Settles a call that waits for a person.
pub async fn resolve<S: Session>(mut s: S, call: StackRunId, how: &Resolution) -> Result<Advanced> {
    let plan = resolution(&mut s, call, how).await;
    commit(s, plan).await
}

async fn resolution<S: Session>(s: &mut S, call: StackRunId, how: &Resolution) -> Result<Plan> {
    let loaded = load_run_of(s, call).await?;
    let now = now(s).await?;
    loaded.resolve(call, how, now)
}

/// Why a run is ended from outside.
#[derive(Clone, Copy)]
pub enum Stop {
    /// Somebody does not want it any more.
    Cancel,
    /// Its time is over: so many milliseconds.
    Timeout(i64),
}

impl Stop {
    fn end(self) -> End {
        match self {
            Self::Cancel => End::Cancelled,
            Self::Timeout(_) => End::Failed,
        }
    }

    fn error(self, run: TaskRunId) -> Json {
        json::of(&match self {
            Self::Cancel => TaskError::new("Cancelled", format!("run {run} was cancelled")),
            Self::Timeout(ms) => {
                TaskError::new("RunTimeout", format!("run {run} did not end within {ms} ms"))
            }
        })
    }
}

/// Ends a run from outside, and cancels the runs that its open calls became.
pub async fn stop<S: Session>(mut s: S, run: TaskRunId, why: Stop) -> Result<Advanced> {
    let plan = stopping(&mut s, run, why).await;
    match plan {
        // Told twice, done once.
        Err(StoreError::Rejected(Rejected::Ended(Status::Cancelled)))
            if matches!(why, Stop::Cancel) =>
        {
            s.rollback().await;
            Ok(Advanced { finished: true, ..Advanced::default() })
        }
        plan => commit(s, plan).await,
    }
}

async fn stopping<S: Session>(s: &mut S, run: TaskRunId, why: Stop) -> Result<Plan> {
    let (top, below) = family(s, run).await?;
    if let Stop::Timeout(_) = why {
        let late = s.query(sql::IS_OVERDUE, vec![top.root_id.into()]).await?;
        if late.is_empty() {
            return Err(Rejected::Outdated.into());
        }
    }
    let mut writes = Vec::new();
    for nested in below {
        let error = Stop::Cancel.error(nested.task_run_id);
        writes.extend(nested.stop(End::Cancelled, Err(error))?.writes);
    }
    let mut plan = top.stop(why.end(), Err(why.error(run)))?;
    plan.writes.splice(0..0, writes);
    Ok(plan)
}

/// Keeps a run's rows, and those of the runs its calls became, from being claimed; or lets them.
pub async fn pause<S: Session>(mut s: S, run: TaskRunId, paused: bool) -> Result<Advanced> {
    let plan = pausing(&mut s, run, paused).await;
    commit(s, plan).await
}

async fn pausing<S: Session>(s: &mut S, run: TaskRunId, paused: bool) -> Result<Plan> {
    let (top, below) = family(s, run).await?;
    let mut plan = top.pause(paused)?;
    for nested in below {
        let more = nested.pause(paused)?;
        plan.writes.extend(more.writes);
        plan.reply.wake |= more.reply.wake;
    }
    Ok(plan)
}

/// A run and the open ones below it, locked from the deepest up: a run that ends locks in this
/// order too. Outdated if another call became a run meanwhile; then the caller begins again.
async fn family<S: Session>(s: &mut S, run: TaskRunId) -> Result<(Loaded, Vec<Loaded>)> {
    let roots = tree(s, run).await?;
    let mut all = Vec::with_capacity(roots.len());
    for root in &roots {
        all.push(load(s, *root).await?);
    }
    if tree(s, run).await? != roots {
        return Err(Rejected::Outdated.into());
    }
    let top = all.pop().ok_or_else(|| StoreError::missing("task run", run))?;
    Ok((top, all))
}

async fn tree<S: Session>(s: &mut S, run: TaskRunId) -> Result<Vec<StackRunId>> {
    let rows = s.query(sql::TREE, vec![run.into()]).await?;
    rows.into_iter().map(|mut r| Ok(StackRunId(r.int()?))).collect()
}

/// A run that did not complete goes on from its last failed step.
pub async fn retry<S: Session>(mut s: S, run: TaskRunId, how: Retry) -> Result<Advanced> {
    let plan = retrying(&mut s, run, how).await;
    commit(s, plan).await
}

async fn retrying<S: Session>(s: &mut S, run: TaskRunId, how: Retry) -> Result<Plan> {
    let root = root_of(s, run).await?;
    submit::reopen(s, root, how).await
}

async fn root_of<S: Session>(s: &mut S, run: TaskRunId) -> Result<StackRunId> {
    let found = s.query(sql::ROOT, vec![run.into()]).await?;
    let row = found.into_iter().next().ok_or_else(|| StoreError::missing("task run", run));
    Ok(StackRunId(row?.int()?))
}

/// An open run goes on on another version of its code.
pub async fn upgrade<S: Session>(mut s: S, run: TaskRunId, how: Upgrade) -> Result<Advanced> {
    let plan = upgrading(&mut s, run, how).await;
    commit(s, plan).await
}

async fn upgrading<S: Session>(s: &mut S, run: TaskRunId, how: Upgrade) -> Result<Plan> {
    let root = root_of(s, run).await?;
    let loaded = load(s, root).await?;
    // Under the lock: whoever else moves the run holds it too.
    let pinned = s.query(sql::PINNED, vec![run.into(), how.to.into()]).await?;
    let mut pinned = one(pinned)?;
    if pinned.maybe_int()? != Some(how.from) {
        return Err(Rejected::Outdated.into());
    }
    if !pinned.bool()? {
        return Err(StoreError::NotFound(format!("version {} of run {run}'s task", how.to)));
    }
    loaded.upgrade(how)
}

/// Forgets runs that ended long ago.
pub async fn prune<S: Session>(mut s: S, older_than_ms: i64, limit: u32) -> Result<usize> {
    let age = older_than_ms.saturating_neg();
    s.query(sql::PRUNE_ANSWERS, vec![age.into(), limit.saturating_mul(10).into()]).await?;
    let rows = s.query(sql::PRUNABLE, vec![age.into(), limit.into()]).await?;
    forget_all(s, rows).await
}

/// Forgets one run, if it ended.
pub async fn forget<S: Session>(mut s: S, run: TaskRunId) -> Result<usize> {
    let rows = s.query(sql::FORGETTABLE, vec![run.into()]).await?;
    forget_all(s, rows).await
}

async fn forget_all<S: Session>(s: S, rows: Vec<Row>) -> Result<usize> {
    let ids = rows.into_iter().map(|mut r| r.int()).collect::<Result<Vec<_>>>()?;
    let list: Value = json::of(&ids).into();
    let writes = sql::PRUNE.into_iter().map(|text| Write::new(text, [list.clone()]));
    s.commit(if ids.is_empty() { Vec::new() } else { writes.collect() }).await?;
    Ok(ids.len())
}
