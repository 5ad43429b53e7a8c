//! One step of a run: from a leased row to its service, and from there to the run's code. What the
//! code makes of it comes back as a message of the executor ([`outcome::hear`]).

use std::time::Duration;

use tasker_core::{
    Kind, TaskError,
    wire::{ExecuteRequest, Handed, Progress},
};
use tasker_store::StoreError;

use crate::{
    State,
    dispatch::{self, Dispatched},
    leased::Leased,
    outcome::{self, Sent},
    recovery,
};

/// How long the executor may take to bring a run to its next quiet point.
const EXECUTE: Duration = Duration::from_secs(120);

/// How long the commit is waited for that a call went ahead of.
const MOMENT: Duration = Duration::from_millis(100);
const MOMENTS: u32 = 30;

/// Works on a leased row after the request that brought it was answered.
pub fn work(state: &State, kind: Kind, leased: Leased) {
    let state_ = state.clone();
    state.0.work.spawn(async move {
        match kind {
            Kind::Task => execute(&state_, leased).await,
            Kind::Call | Kind::Timer => call(&state_, kind, leased).await,
        }
    });
}

/// Brings a task to its next suspension point, and goes on with the call that it made.
async fn execute(state: &State, mut leased: Leased) {
    let Some(progress) = turn(state, &leased.row).await else {
        // Its lease is still out there: the timer must know.
        drop(leased);
        return state.rearm();
    };
    let wake = progress.wake || progress.finished;
    let next = progress.next.map(|next| {
        leased.row = next;
        leased.steps += 1;
        leased
    });
    if let Some(leased) = next {
        work(state, Kind::Call, leased);
    }
    if wake {
        state.look();
    }
}

/// A task's own turn. The answer is waited for: if its executor dies, somebody is to blame.
async fn turn(state: &State, row: &Handed) -> Option<Progress> {
    let request = ExecuteRequest {
        task_run_id: Some(row.task_run_id),
        stack_run_id: Some(row.lease.id),
        lease: Some(row.lease.clone()),
        keep: state.0.slots.keeps(0),
        ..ExecuteRequest::default()
    };
    let suspect = row.crashes > 0;
    let turn = state.0.turns.take(suspect).await;
    // Noted before it runs: this very process may be what it takes with it.
    if suspect && let Ok(false) = state.0.store.alone(&row.lease).await {
        return recovery::go_on_after(state, row).await;
    }
    match dispatch::executor(state, "", &request, EXECUTE).await {
        Ok(progress) => {
            turn.ended_well();
            Some(progress)
        }
        Err(refused) => recovery::give_back(state, row, &refused, turn.in_flight()).await,
    }
}

/// Calls a service (or lets a timer fire) and sends the outcome to the run.
async fn call(state: &State, kind: Kind, leased: Leased) {
    let row = &leased.row;
    let dispatched = match kind {
        Kind::Timer => Dispatched::Outcome(Ok(tasker_core::json::null())),
        _ => dispatch::call(state, row).await,
    };
    match dispatched {
        Dispatched::Outcome(outcome) => return outcome::send(state, leased, outcome),
        // The call became a run; its end settles the row.
        Dispatched::Delegated => {
            drop(leased);
            return state.look();
        }
        Dispatched::Later(delay, why) => later(state, leased, delay, why).await,
        Dispatched::Elsewhere => {}
        // Nobody may send it again.
        Dispatched::Unknown => recovery::ask_a_person(state, row).await,
    }
    state.rearm();
}

/// A call is tried again later. If it went ahead of the step that made it, that is committed in a
/// moment, or never: then the run goes on from what is known before it.
async fn later(state: &State, mut leased: Leased, delay: Duration, why: TaskError) {
    let delay_ms = i64::try_from(delay.as_millis()).unwrap_or(60_000);
    let id = leased.row.lease.id;
    tracing::info!(stack_run = %id, ms = delay_ms, why = why.message, "tried again later");
    for _ in 0..MOMENTS {
        match state.0.store.release(&leased.row, delay_ms).await {
            Ok(()) => return,
            Err(StoreError::Rejected(_)) if !leased.unrecorded.is_empty() => {
                tokio::time::sleep(MOMENT).await;
            }
            Err(error) => {
                return tracing::warn!(%error, "the row could not be given back; the next heartbeat tells");
            }
        }
    }
    if let Some((row, outcome)) = leased.unrecorded.pop() {
        leased.row = row;
        outcome::record(
            state,
            Sent { leased, outcome, since: std::time::Instant::now(), asked: 0 },
        )
        .await;
    }
}
