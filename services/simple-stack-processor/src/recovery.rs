//! Nothing stays lost: leases of processors that died are freed, and one
//! timer waits for the next deadline. An idle system asks the database nothing.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

use tasker_core::wire::Handed;
use tokio::sync::Notify;

use crate::{State, chain};

/// How long the timer waits for its own trigger to be answered.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// The sweep runs before a claim, but not before each.
const SWEEP_MS: i64 = 1_000;

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
    while !tasker_fault::on("nofallback") {
        let deadline = match state.0.store.next_deadline().await {
            Ok(deadline) => deadline.map(Duration::from_millis),
            Err(error) => {
                tracing::warn!(%error, "the next deadline is not known");
                Some(Duration::from_secs(5))
            }
        };
        match deadline {
            None if tasker_fault::on("poll") => tokio::time::sleep(LOOK_AGAIN).await,
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
        if !tasker_fault::on("nofallback") {
            chain::trigger_next(state);
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

/// A trigger to look for work got lost on all tries: it is done without it.
pub async fn look_here(state: State) {
    if let Err(error) = chain::next(&state).await {
        tracing::warn!(%error, "no work could be looked for");
    }
}
