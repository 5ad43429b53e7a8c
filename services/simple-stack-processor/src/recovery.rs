//! Nothing stays lost: leases are kept while work goes on and freed when it does not, and one
//! timer waits for the next deadline. An idle system asks the database nothing.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

use tasker_core::{StackRunId, TaskError, fault, wire::Handed};
use tokio::{sync::Notify, task::JoinHandle};

use crate::{State, chain};

/// A third of the lease: two beats may fail.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// How long the timer waits for its own trigger to be answered.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// The sweep runs before a claim, but not before each.
const SWEEP_MS: i64 = 1_000;

/// Keeps a lease until dropped.
pub struct Kept(JoinHandle<()>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Beats for a row that is being worked on. Short work never beats.
pub fn keep_lease(state: &State, row: &Handed) -> Kept {
    let (store, lease) = (state.0.store.clone(), row.lease.clone());
    Kept(tokio::spawn(async move {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            match store.heartbeat(&lease).await {
                Ok(true) => {}
                // Every later write of the work is refused, so it needs no stopping.
                Ok(false) => return tracing::warn!(stack_run = %lease.id, "lease lost"),
                Err(error) => tracing::warn!(stack_run = %lease.id, %error, "heartbeat failed"),
            }
        }
    }))
}

/// At start: what an earlier process of this name held is free, and what is ready gets going.
pub async fn boot(state: &State) {
    match state.0.store.release_expired(Some(&state.0.slot)).await {
        Ok(0) => {}
        Ok(freed) => tracing::info!(freed, "freed the leases of an earlier process of this slot"),
        Err(error) => tracing::error!(%error, "the boot sweep failed"),
    }
    chain::trigger_next(state);
}

/// Frees leases of processors that died, once a second at most and only while work is looked for.
pub async fn sweep_now_and_then(state: &State) {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    static LAST: AtomicI64 = AtomicI64::new(-SWEEP_MS);
    let now = i64::try_from(START.elapsed().as_millis()).unwrap_or(i64::MAX);
    let last = LAST.load(Ordering::Relaxed);
    if now - last < SWEEP_MS
        || LAST.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_err()
    {
        return;
    }
    match state.0.store.release_expired(None).await {
        Ok(0) => {}
        Ok(freed) => tracing::info!(freed, "freed leases that ran out"),
        Err(error) => tracing::warn!(%error, "the sweep failed"),
    }
}

/// Sleeps until the next lease runs out or row falls due, then looks for work. Armed anew whenever
/// a processor has found nothing more to do.
pub async fn watch_deadlines(state: &State) {
    while !fault::on("nofallback") {
        let deadline = match state.0.store.next_deadline().await {
            Ok(deadline) => deadline.map(Duration::from_millis),
            Err(error) => {
                tracing::warn!(%error, "the next deadline is not known");
                Some(Duration::from_secs(5))
            }
        };
        match deadline {
            None if fault::on("poll") => tokio::time::sleep(LOOK_AGAIN).await,
            None => state.0.due.notified().await,
            // At least a moment: what is due may be about to be taken.
            Some(wait) => {
                let wait = wait.max(Duration::from_millis(20));
                tokio::select! {
                    () = state.0.due.notified() => continue,
                    () = tokio::time::sleep(wait) => {}
                }
                chain::trigger_next(state);
                // Whoever looks for work and finds none arms the timer again; if even that trigger
                // is lost, something is still due.
                let _ = tokio::time::timeout(LOOK_AGAIN, state.0.due.notified()).await;
            }
        }
    }
}

/// Looks for work whenever runs were made: their trigger may have got lost, or have gone to another
/// processor. That also arms the deadline timer, so a processor knows of the leases of others.
pub async fn watch_created(state: &State, created: &Notify) {
    loop {
        created.notified().await;
        if !fault::on("nofallback") {
            chain::trigger_next(state);
        }
    }
}

/// A call is to be tried again later.
pub async fn retry_later(state: &State, row: &Handed, delay: Duration, why: &TaskError) {
    tracing::info!(stack_run = %row.lease.id, ms = delay.as_millis(), why = why.message, "tried again later");
    let delay = i64::try_from(delay.as_millis()).unwrap_or(60_000);
    if let Err(error) = state.0.store.release(row, delay).await {
        tracing::warn!(%error, "the row could not be given back; its lease runs out");
    }
    state.0.due.notify_one();
}

/// Nobody knows whether a call happened, and it must not be repeated: it waits for a person.
pub async fn ask_a_person(state: &State, row: &Handed) {
    tracing::warn!(stack_run = %row.lease.id, "unknown outcome: a person must decide");
    if let Err(error) = state.0.store.doubt(&row.lease).await {
        tracing::warn!(%error, "the row could not be set aside; its lease runs out");
    }
}

/// A trigger to this very process got lost on all tries: what it was for is done without it.
pub async fn trigger_lost(state: State, id: StackRunId) {
    chain::take_handed(&state, id).await;
}

/// The same, for a trigger to look for work.
pub async fn look_here(state: State) {
    if let Err(error) = chain::next(&state).await {
        tracing::warn!(%error, "no work could be looked for");
    }
}
