//! Rows whose lease was lost: what becomes of them is the state machine's decision, made under the
//! lock of their run.

use std::collections::BTreeSet;

use tasker_core::{StackRunId, json, run::Death};

use crate::{
    Result,
    plan::{Held, Loaded, Lost},
    session::{Session, Write},
    sql,
    value::Row,
    verbs::{commit, granted, load, now},
};

/// What came of a batch.
pub struct Freed {
    /// Rows that were freed.
    pub rows: usize,
    /// Runs that are left to be looked at alone.
    pub later: Vec<StackRunId>,
}

/// Frees rows of these runs whose holders nobody has heard of, all in one transaction. Runs that
/// somebody works on this moment are left for the next time: waiting for several at once could
/// deadlock. So could what reaches the run above, which is left to [`free_run`].
pub async fn free<S: Session>(mut s: S, roots: &[StackRunId]) -> Result<Freed> {
    let planned = plan_batch(&mut s, roots).await;
    let (s, (freed, writes)) = granted(s, planned).await?;
    s.commit(writes).await?;
    Ok(freed)
}

async fn plan_batch<S: Session>(s: &mut S, roots: &[StackRunId]) -> Result<(Freed, Vec<Write>)> {
    let mut freed = Freed { rows: 0, later: Vec::new() };
    let roots = ids(s.query(sql::LOCK_RUNS, vec![json::of(roots).into()]).await?)?;
    let load = roots.iter().map(|root| Write::new(sql::LOAD_RUN, [(*root).into()]));
    let mut found = s.queries(load.collect()).await?.into_iter();
    let silent = silent(s, &roots).await?;
    let now = now(s).await?;
    let mut writes = Vec::new();
    for root in roots {
        let rows = found.next().unwrap_or_default();
        match Loaded::read(root, rows).and_then(|run| run.lose(&silent)) {
            Ok(lost) if !lost.reaches_above() => {
                freed.rows += lost.rows;
                writes.extend(lost.plan(now).writes);
            }
            _ => freed.later.push(root),
        }
    }
    Ok((freed, writes))
}

/// Frees rows of one run whose holders nobody has heard of.
pub async fn free_run<S: Session>(mut s: S, root: StackRunId) -> Result<usize> {
    let lost = lost_of(&mut s, root).await;
    settle(s, lost).await
}

async fn lost_of<S: Session>(s: &mut S, root: StackRunId) -> Result<Lost> {
    let run = load(s, root).await?;
    // Under the lock: a holder may have come back since the run was found.
    let silent = silent(s, &[root]).await?;
    run.lose(&silent)
}

/// Frees rows of one run that the last process of a slot held.
pub async fn free_held<S: Session>(
    mut s: S,
    root: StackRunId,
    slot: &str,
    held: &BTreeSet<Held>,
    death: Death,
) -> Result<usize> {
    let lost = load(&mut s, root).await.and_then(|run| run.lose_held(slot, held, death));
    settle(s, lost).await
}

async fn settle<S: Session>(mut s: S, lost: Result<Lost>) -> Result<usize> {
    let now = now(&mut s).await;
    let planned = lost.and_then(|lost| Ok((lost.rows, lost.plan(now?))));
    let (rows, plan) = match planned {
        Ok((rows, plan)) => (rows, Ok(plan)),
        Err(refused) => (0, Err(refused)),
    };
    commit(s, plan).await.map(|_| rows)
}

/// Rows of these runs whose holders nobody has heard of.
async fn silent<S: Session>(s: &mut S, roots: &[StackRunId]) -> Result<BTreeSet<StackRunId>> {
    let found = s.query(sql::LOST_ROWS, vec![json::of(roots).into()]).await?;
    Ok(ids(found)?.into_iter().collect())
}

/// The numbers that a statement answers.
pub fn ids(rows: Vec<Row>) -> Result<Vec<StackRunId>> {
    rows.into_iter().map(|mut row| Ok(StackRunId(row.int()?))).collect()
}
