//! One hop of a run: from a leased row to the next trigger.

use std::{sync::Arc, time::Duration};

use tasker_core::{
    Kind, StackRunId,
    wire::{ExecuteRequest, Handed, ProcessRequest, Progress, ResumeRequest},
};
use tasker_store::{Outcome, Result, StoreError};

use crate::{
    Hop, State,
    dispatch::{self, Dispatched},
    lost::{self, AtWork},
    recovery,
    slots::Slot,
};

/// After so many calls a run lets others go first, if others wait.
const TIME_SLICE: u32 = 50;
/// How long the executor may take to bring a run to its next quiet point.
const EXECUTE: Duration = Duration::from_secs(120);

/// What a `process-next` found.
pub enum Next {
    /// A row, now leased.
    Took(StackRunId),
    /// Nothing, and why.
    Nothing(&'static str),
}

/// Leases the row that has waited longest and works on it after the answer.
pub async fn next(state: &State) -> Result<Next> {
    let Some(slot) = Slot::take(state) else { return Ok(Next::Nothing("busy")) };
    recovery::sweep_now_and_then(state).await;
    match state.0.store.claim(&state.0.slot).await {
        Ok(Some(claimed)) => {
            let id = claimed.row.lease.id;
            // There may be more: another request looks, beside this row's work.
            trigger_next(state);
            work(state, claimed.kind, Hop { row: claimed.row, steps: 0, slot: Arc::new(slot) });
            Ok(Next::Took(id))
        }
        other => {
            drop(slot);
            state.0.due.notify_one();
            other.map(|_| Next::Nothing("no_pending"))
        }
    }
}

/// Takes a named row: one that was handed to this process, or one that is ready.
pub async fn take(state: &State, id: StackRunId, epoch: Option<i64>) -> Result<()> {
    if epoch.is_some() {
        take_handed(state, id).await;
        return Ok(());
    }
    let Some(slot) = Slot::take(state) else { return Ok(()) };
    if let Some(claimed) = state.0.store.claim_row(id, &state.0.slot).await? {
        work(state, claimed.kind, Hop { row: claimed.row, steps: 0, slot: Arc::new(slot) });
    }
    Ok(())
}

/// Takes a row that was handed to this process. Whoever comes first takes it; a duplicate of the
/// trigger finds nothing.
pub async fn take_handed(state: &State, id: StackRunId) {
    let handed = {
        let mut all = state.0.handed.lock().await;
        if tasker_core::fault::on("taketwice") { all.get(&id).cloned() } else { all.remove(&id) }
    };
    tasker_core::fault::point("take", "after");
    if let Some(hop) = handed {
        work(state, Kind::Call, hop);
    }
}

/// Works on a leased row after the request that brought it was answered.
fn work(state: &State, kind: Kind, Hop { row, steps, slot }: Hop) {
    let state_ = state.clone();
    state.0.work.spawn(async move {
        let state = state_;
        let done = {
            let _at_work = AtWork::on(&state, row.lease.id);
            let _kept = recovery::keep_lease(&state, &row);
            match kind {
                Kind::Task => execute(&state, &row).await,
                Kind::Call | Kind::Timer => call(&state, kind, &row, steps).await,
            }
        };
        match done {
            Some(progress) => go_on(&state, progress, steps, slot).await,
            // Its lease is still out there: the timer must know.
            None => state.0.due.notify_one(),
        }
    });
}

/// Brings a task to its next quiet point.
async fn execute(state: &State, row: &Handed) -> Option<Progress> {
    let request = ExecuteRequest {
        task_run_id: Some(row.task_run_id),
        stack_run_id: Some(row.lease.id),
        lease: Some(row.lease.clone()),
        keep: keep(state, 0),
        ..ExecuteRequest::default()
    };
    let suspect = row.crashes > 0;
    let turn = state.0.turns.take(suspect).await;
    // Noted before it runs: this very process may be what it takes with it.
    if suspect && let Ok(false) = state.0.store.alone(&row.lease).await {
        return lost::go_on_after(state, row).await;
    }
    match dispatch::executor(state, "", &request, EXECUTE).await {
        Ok(progress) => {
            turn.ended_well();
            Some(progress)
        }
        Err(refused) => lost::give_back(state, row, &refused, turn.aboard()).await,
    }
}

/// Calls a service (or lets a timer fire) and gives the outcome to the run.
async fn call(state: &State, kind: Kind, row: &Handed, steps: u32) -> Option<Progress> {
    let outcome = match kind {
        Kind::Timer => Ok(tasker_core::json::null()),
        _ => match dispatch::call(state, row).await {
            Dispatched::Outcome(outcome) => outcome,
            // The call became a run; its end settles the row.
            Dispatched::Delegated => return Some(Progress { wake: true, ..Progress::default() }),
            Dispatched::Later(delay, why) => {
                recovery::retry_later(state, row, delay, &why).await;
                return None;
            }
            Dispatched::Elsewhere => return None,
            // Nobody may send it again.
            Dispatched::Unknown => {
                recovery::ask_a_person(state, row).await;
                return None;
            }
        },
    };
    hand_over(state, row, outcome, steps).await
}

async fn hand_over(state: &State, row: &Handed, outcome: Outcome, steps: u32) -> Option<Progress> {
    let request = ResumeRequest {
        stack_run_id: Some(row.root_id),
        stack_run_id_to_resume: None,
        result: outcome.as_ref().ok().cloned(),
        result_to_inject: None,
        error: outcome.as_ref().err().cloned(),
        lease: Some(row.lease.clone()),
        seq: row.seq,
        keep: keep(state, steps),
    };
    match dispatch::executor(state, "/resume", &request, EXECUTE).await {
        Ok(progress) => Some(progress),
        // Perhaps lost to this very process: the executor heard the same outcome twice.
        Err(refused) if refused.lost => lost::go_on_after(state, row).await,
        Err(refused) => {
            tracing::warn!(stack_run = %row.lease.id, why = refused.why, "the executor is gone: recording");
            match lost::record(state, row, &outcome).await {
                Ok(advanced) => {
                    Some(Progress { wake: advanced.wake, parked: true, ..Progress::default() })
                }
                Err(StoreError::Rejected(_)) => lost::go_on_after(state, row).await,
                Err(error) => {
                    tracing::warn!(%error, stack_run = %row.lease.id, "the outcome could not be recorded");
                    None
                }
            }
        }
    }
}

/// The next call is leased to this process, unless others wait and this run had its turn.
fn keep(state: &State, steps: u32) -> bool {
    !state.0.slots.closed() && (steps < TIME_SLICE || !state.0.slots.contended())
}

/// Triggers the next hop and leaves.
async fn go_on(state: &State, progress: Progress, steps: u32, slot: Arc<Slot>) {
    if let Some(next) = progress.next {
        let (id, epoch) = (next.lease.id, next.lease.epoch);
        let hop = Hop { row: next, steps: steps + 1, slot };
        state.0.handed.lock().await.insert(id, hop);
        let request =
            ProcessRequest { stack_run_id: Some(id), epoch: Some(epoch), ..Default::default() };
        let lost = recovery::trigger_lost(state.clone(), id);
        state.0.peers.trigger("simple-stack-processor", request, lost);
        if progress.wake {
            trigger_next(state);
        }
        return;
    }
    drop(slot);
    if progress.wake || progress.finished {
        trigger_next(state);
    }
}

/// Asks a processor (this one) to look for work.
pub fn trigger_next(state: &State) {
    if state.0.slots.closed() {
        return;
    }
    let request = ProcessRequest { trigger: Some("process-next".into()), ..Default::default() };
    let lost = recovery::look_here(state.clone());
    state.0.peers.trigger("simple-stack-processor", request, lost);
}
