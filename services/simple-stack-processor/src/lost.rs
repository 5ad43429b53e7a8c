//! What is done when the executor's answer got lost: the database tells whether its work counts.

use std::{
    collections::HashSet,
    sync::PoisonError,
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

/// Says that this process works on a row, until dropped.
pub struct AtWork<'a>(&'a State, StackRunId);

impl<'a> AtWork<'a> {
    /// Notes the row.
    pub fn on(state: &'a State, id: StackRunId) -> Self {
        rows(state).insert(id);
        Self(state, id)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        rows(self.0).remove(&self.1);
    }
}

fn rows(state: &State) -> std::sync::MutexGuard<'_, HashSet<StackRunId>> {
    state.0.at_work.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The executor committed under the lease of `row` and its answer did not arrive. The call that
/// was handed to this process in that commit is taken up here; otherwise it would wait until its
/// lease runs out, and then for a person if it must not be repeated.
pub async fn go_on_after(state: &State, row: &Handed) -> Option<Progress> {
    let found = state.0.store.handed_by(&row.lease, row.root_id).await;
    let next = match found {
        Ok(next) => next.filter(|n| !rows(state).contains(&n.lease.id)),
        Err(error) => {
            tracing::warn!(%error, "what came of a lost answer is not known; leases run out");
            return None;
        }
    };
    let next = match next {
        Some(next) if matches!(state.0.store.heartbeat(&next.lease).await, Ok(true)) => Some(next),
        _ => None,
    };
    if let Some(next) = &next {
        tracing::info!(stack_run = %next.lease.id, "taken up after a lost answer");
    }
    // What else that commit made ready has nobody who was told.
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
    aboard: u32,
) -> Option<Progress> {
    if refused.lost {
        return go_on_after(state, row).await;
    }
    tracing::warn!(stack_run = %row.lease.id, why = refused.why, attempt = row.attempt, "not executed");
    let delay = rand::random_range(50..=250i64 << row.attempt.min(6));
    let given = if refused.died {
        state.0.store.abandon(&row.lease, delay, aboard).await
    } else {
        state.0.store.release(row, delay).await.map(|()| true)
    };
    match given {
        Ok(true) => None,
        Ok(false) => go_on_after(state, row).await,
        Err(StoreError::Rejected(_)) => go_on_after(state, row).await,
        Err(error) => {
            tracing::warn!(%error, "the row could not be given back; its lease runs out");
            None
        }
    }
}
