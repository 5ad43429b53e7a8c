//! What is done when an answer got lost: the database tells whether the work counts.

use std::{
    collections::HashMap,
    sync::{MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tasker_core::{
    StackRunId,
    wire::{Handed, Progress},
};
use tasker_store::{Advanced, Outcome, Result, StoreError};

use crate::{State, dispatch::Refused};

/// How long an outcome is kept for a database that is away, and between two tries.
const KEPT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);

/// Says that this process works on a run, until dropped.
pub struct Given(State, StackRunId);

impl Given {
    /// Notes the run of this root.
    pub fn hold(state: &State, root: StackRunId) -> Self {
        *runs(state).entry(root).or_default() += 1;
        state.0.holding.notify_one();
        Self(state.clone(), root)
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        let mut all = runs(&self.0);
        if let Some(count) = all.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.1);
            }
        }
    }
}

fn runs(state: &State) -> MutexGuard<'_, HashMap<StackRunId, u32>> {
    state.0.at_work.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this process works on the run of this root.
pub fn works_on(state: &State, root: StackRunId) -> bool {
    runs(state).contains_key(&root)
}

/// Whether it works on any.
pub fn holds_any(state: &State) -> bool {
    !runs(state).is_empty()
}

/// The call that a commit under the lease of `row` handed to this process, if its answer got lost.
/// It would wait until this process is gone otherwise, and then for a person if it must not be
/// repeated.
pub async fn handed_to_us(state: &State, row: &Handed) -> Option<Handed> {
    match state.0.store.handed_by(&row.lease, row.root_id).await {
        Ok(next) => {
            if let Some(next) = &next {
                tracing::info!(stack_run = %next.lease.id, "taken up after a lost answer");
            }
            next
        }
        Err(error) => {
            tracing::warn!(%error, "what came of a lost answer is not known");
            None
        }
    }
}

/// Goes on after a lost answer to a task's own turn.
pub async fn go_on_after(state: &State, row: &Handed) -> Option<Progress> {
    // What else that commit made ready has nobody who was told.
    let next = handed_to_us(state, row).await;
    Some(Progress { next, wake: true, ..Progress::default() })
}

/// Records an outcome that no isolate took. While the database is away it is kept and tried again:
/// nobody else knows it, and a call that must not be repeated would wait for a person.
pub async fn record(state: &State, row: &Handed, outcome: &Outcome) -> Result<Advanced> {
    let until = Instant::now() + KEPT;
    loop {
        match state.0.store.record(&row.lease, outcome, now_ms()).await {
            Err(StoreError::Unavailable(why)) if Instant::now() < until => {
                tracing::warn!(stack_run = %row.lease.id, why, "an outcome waits for the database");
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The executor did not take a task's row, or nobody knows: it is given back and tried again ever
/// more slowly, unless the work was done. If the executor died of it, that counts as a lost lease of
/// which all that were on board share the blame.
pub async fn give_back(
    state: &State,
    row: &Handed,
    refused: &Refused,
    in_flight: u32,
) -> Option<Progress> {
    if refused.lost {
        return go_on_after(state, row).await;
    }
    tracing::warn!(stack_run = %row.lease.id, why = refused.why, attempt = row.attempt, "not executed");
    let delay = rand::random_range(50..=250i64 << row.attempt.min(6));
    let given = if refused.died {
        state.0.store.abandon(&row.lease, delay, in_flight).await
    } else {
        state.0.store.release(row, delay).await.map(|()| true)
    };
    match given {
        Ok(true) => None,
        Ok(false) | Err(StoreError::Rejected(_)) => go_on_after(state, row).await,
        Err(error) => {
            tracing::warn!(%error, "the row could not be given back; the next heartbeat tells");
            None
        }
    }
}
