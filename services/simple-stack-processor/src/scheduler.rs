//! Who looks for work, and when. Everything here ends in a claim; an idle system asks the database
//! nothing: one timer waits for the next deadline, and nothing stays lost.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use tasker_core::{Kind, StackRunId, wire::ProcessRequest};
use tasker_store::Result;
use tokio::sync::{Notify, mpsc};

use crate::{State, leased::Leased, step};

/// How long the timer waits for its own trigger to be answered.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Between two sweeps of leases that ran out.
const SWEEP: Duration = Duration::from_secs(1);

/// What a `process-next` found.
pub enum Next {
    /// A row, now leased.
    Took(StackRunId),
    /// Nothing, and why.
    Nothing(&'static str),
}

/// Leases the row that has waited longest and works on it after the answer.
pub async fn next(state: &State) -> Result<Next> {
    let Some(slot) = state.0.slots.take() else { return Ok(Next::Nothing("busy")) };
    state.0.sweeper.sweep_now_and_then(state).await;
    match state.0.store.claim(&state.0.slot).await {
        Ok(Some(claimed)) => {
            let id = claimed.row.lease.id;
            // There may be more: another request looks, beside this row's work.
            state.look();
            step::work(state, claimed.kind, Leased::new(&state.0.at_work, claimed.row, slot));
            Ok(Next::Took(id))
        }
        other => {
            drop(slot);
            state.rearm();
            other.map(|_| Next::Nothing("no_pending"))
        }
    }
}

/// Takes a named row, if it is ready.
pub async fn take(state: &State, id: StackRunId) -> Result<()> {
    let Some(slot) = state.0.slots.take() else { return Ok(()) };
    if let Some(claimed) = state.0.store.claim_row(id, &state.0.slot).await? {
        step::work(state, claimed.kind, Leased::new(&state.0.at_work, claimed.row, slot));
    }
    Ok(())
}

/// Goes on with the calls that executors' messages brought.
pub async fn go_on(state: State, mut next: mpsc::UnboundedReceiver<Leased>) {
    while let Some(leased) = next.recv().await {
        step::work(&state, Kind::Call, leased);
    }
}

/// Asks a processor (this one) to look for work, whenever something in this process says that there
/// may be some. If the request gets lost on all tries, it is done without.
pub async fn send_triggers(state: State) {
    loop {
        state.0.look.notified().await;
        if state.0.slots.closed() {
            continue;
        }
        let request = ProcessRequest { trigger: Some("process-next".into()), ..Default::default() };
        let here = state.clone();
        state.0.peers.trigger("simple-stack-processor", request, async move {
            if let Err(error) = next(&here).await {
                tracing::warn!(%error, "no work could be looked for");
            }
        });
    }
}

/// At start: what an earlier process of this name held is free, and what is ready gets going.
pub async fn boot(state: &State) {
    match state.0.store.release_expired(Some(&state.0.slot)).await {
        Ok(0) => {}
        Ok(freed) => tracing::info!(freed, "freed the leases of an earlier process of this slot"),
        Err(error) => tracing::error!(%error, "the boot sweep failed"),
    }
    state.look();
}

/// Frees leases of processors that died, now and then and only while work is looked for.
#[derive(Default)]
pub struct Sweeper(Mutex<Option<Instant>>);

impl Sweeper {
    fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= SWEEP);
        if due {
            *last = Some(Instant::now());
        }
        due
    }

    async fn sweep_now_and_then(&self, state: &State) {
        if !self.is_due() {
            return;
        }
        match state.0.store.release_expired(None).await {
            Ok(0) => {}
            Ok(freed) => tracing::info!(freed, "freed leases that ran out"),
            Err(error) => tracing::warn!(%error, "the sweep failed"),
        }
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
                state.look();
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
            state.look();
        }
    }
}
