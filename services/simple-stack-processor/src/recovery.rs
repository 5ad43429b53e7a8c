//! What is done when an answer got lost: the database tells whether the work counts.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tasker_core::wire::{Handed, Progress};
use tasker_store::{Advanced, Outcome, Result, StoreError};

use crate::{State, dispatch::Refused};

/// How long an outcome is kept for a database that is away, and between two tries.
const KEPT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);

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

/// Nobody knows whether a call happened, and it must not be repeated: it waits for a person.
pub async fn ask_a_person(state: &State, row: &Handed) {
    tracing::warn!(stack_run = %row.lease.id, "unknown outcome: a person must decide");
    if let Err(error) = state.0.store.doubt(&row.lease).await {
        tracing::warn!(%error, "the row could not be set aside; the next heartbeat tells");
    }
}
