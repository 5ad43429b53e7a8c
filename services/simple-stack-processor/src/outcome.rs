//! An outcome on its way to the run's code. It goes to the executor that keeps the run's isolate, as a
//! message; what comes of it is the executor's next message to this processor. Until that says that
//! the outcome is on record it is kept here, and if nothing is heard, it is sent again or recorded
//! without the executor.

use std::{
    collections::HashMap,
    sync::{MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tasker_core::{
    Json, StackRunId, json,
    wire::{Handed, LeaseRef, Progress, ResumeRequest, TurnReport},
};
use tasker_http::ApiError;
use tasker_store::{Outcome, StoreError};

use crate::{State, leased::Leased, recovery};

/// After so long without a word from the executor the database is asked what came of an outcome.
const QUIET: Duration = Duration::from_secs(1);
/// After so long the executor is asked again.
const SILENCE: Duration = Duration::from_secs(3);
/// One that was asked so often says nothing any more: longer than any turn and its commit may take.
const ASKED: u32 = 6;

/// An outcome that waits for word from the executor.
#[derive(Clone)]
pub struct Sent {
    pub leased: Leased,
    pub outcome: Outcome,
    pub since: Instant,
    /// How often it was sent again.
    pub asked: u32,
}

/// Outcomes that wait, by the row of their call.
pub type Waiting = HashMap<StackRunId, Sent>;

/// The outcomes that wait.
pub fn waiting(state: &State) -> MutexGuard<'_, Waiting> {
    state.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends an outcome to its run.
pub fn send(state: &State, leased: Leased, outcome: Outcome) {
    let row = leased.row.clone();
    let keep = state.0.slots.keeps(leased.steps);
    let message = message(state, &row, &outcome, keep);
    let sent = Sent { leased, outcome, since: Instant::now(), asked: 0 };
    waiting(state).insert(row.lease.id, sent);
    post(state, &row, message);
}

/// Looks after those of which nothing was heard for a while.
pub fn send_again(state: &State) {
    let mut silent = Vec::new();
    for sent in waiting(state).values_mut().filter(|sent| sent.since.elapsed() > QUIET) {
        silent.push(sent.clone());
        if sent.since.elapsed() > SILENCE {
            sent.since = Instant::now();
            sent.asked += 1;
        }
    }
    for sent in silent {
        let state_ = state.clone();
        state.0.work.spawn(async move { after_silence(&state_, sent).await });
    }
}

/// The report may have got lost, or the outcome itself, or the turn is a long one. If its step is on
/// record the run goes on from there; if not, the outcome is sent again, and in the end recorded
/// without the executor: it may hear us and never reach us.
async fn after_silence(state: &State, silent: Sent) {
    let row = &silent.leased.row;
    if let Some(next) = recovery::handed_to_us(state, row).await {
        let Some(Sent { mut leased, .. }) = taken(state, &row.lease) else { return };
        leased.row = next;
        leased.steps += 1;
        leased.unrecorded.clear();
        return state.go_on(leased);
    }
    if silent.since.elapsed() < SILENCE {
        return;
    }
    if silent.asked >= ASKED {
        let Some(sent) = taken(state, &row.lease) else { return };
        tracing::warn!(stack_run = %row.lease.id, "no word from the executor: recording");
        return record(state, sent).await;
    }
    tracing::info!(stack_run = %row.lease.id, "no word from the executor: sent again");
    let keep = state.0.slots.keeps(silent.leased.steps);
    post(state, row, message(state, row, &silent.outcome, keep));
}

fn message(state: &State, row: &Handed, outcome: &Outcome, keep: bool) -> Json {
    json::of(&ResumeRequest {
        stack_run_id: Some(row.root_id),
        stack_run_id_to_resume: None,
        result: outcome.as_ref().ok().cloned(),
        result_to_inject: None,
        error: outcome.as_ref().err().cloned(),
        lease: Some(row.lease.clone()),
        seq: row.seq,
        keep,
        reply_to: Some(state.0.own_url.clone()),
    })
}

/// To the executor that keeps the isolate; if it is not there, to any, which records the outcome.
fn post(state: &State, row: &Handed, message: Json) {
    let (state_, lease) = (state.clone(), row.lease.clone());
    let again = message.clone();
    let elsewhere = row.executor.is_some();
    state.0.peers.message(EXECUTOR, row.executor.as_deref(), RESUME, message, move |_| {
        if elsewhere {
            let state = state_.clone();
            state_.0.peers.message(EXECUTOR, None, RESUME, again, move |_| alone(&state, &lease));
        } else {
            alone(&state_, &lease);
        }
    });
}

const EXECUTOR: &str = "deno-executor";
const RESUME: &str = "/resume";

/// No executor takes an outcome: it is recorded from here.
fn alone(state: &State, lease: &LeaseRef) {
    let Some(sent) = taken(state, lease) else { return };
    tracing::warn!(stack_run = %lease.id, "no executor is there: recording");
    let state_ = state.clone();
    state.0.work.spawn(async move { record(&state_, sent).await });
}

/// Takes the outcome that was sent under this lease. Whoever comes first takes it; a report that
/// comes twice finds nothing.
fn taken(state: &State, lease: &LeaseRef) -> Option<Sent> {
    let mut all = waiting(state);
    all.get(&lease.id).filter(|sent| sent.leased.row.lease == *lease)?;
    if tasker_fault::on("taketwice") {
        return all.get(&lease.id).cloned();
    }
    all.remove(&lease.id)
}

/// A message of the executor: what became of an outcome.
///
/// # Errors
/// It is no report.
pub fn hear(state: &State, report: &Json) -> Result<(), ApiError> {
    let report: TurnReport = serde_json::from_str(report.get())
        .map_err(|e| ApiError::bad_request(format!("report: {e}")))?;
    let Some(sent) = taken(state, &report.of) else { return Ok(()) };
    tasker_fault::point("take", "after");
    if let Some(why) = report.refused {
        tracing::info!(stack_run = %report.of.id, why, "the executor did not take an outcome");
        let state_ = state.clone();
        state.0.work.spawn(async move { record(&state_, sent).await });
        return Ok(());
    }
    go_on(state, sent, report.progress, report.recorded_through);
    Ok(())
}

/// The next call of the run, or nothing more for now.
fn go_on(state: &State, sent: Sent, progress: Progress, recorded_through: Option<u32>) {
    let Sent { mut leased, outcome, .. } = sent;
    let Some(next) = progress.next else {
        drop(leased);
        if progress.wake || progress.finished {
            state.look();
        }
        return;
    };
    let row = std::mem::replace(&mut leased.row, next);
    leased.steps += 1;
    leased.unrecorded.push((row, outcome));
    leased.unrecorded.retain(|(row, _)| recorded_through.is_none_or(|seq| row.seq > seq));
    if progress.wake {
        state.look();
    }
    state.go_on(leased);
}

/// Records what the executor did not take, or what it took and did not commit: the oldest outcome
/// that is not on record is the one that the run goes on from.
pub async fn record(state: &State, sent: Sent) {
    let Sent { mut leased, outcome, .. } = sent;
    let mut all = std::mem::take(&mut leased.unrecorded);
    all.push((leased.row.clone(), outcome));
    for (row, outcome) in &all {
        match recovery::record(state, row, outcome).await {
            Ok(_) => {
                drop(leased);
                return state.look();
            }
            // It is on record, or its step never was: then the one before it was just recorded.
            Err(StoreError::Rejected(_) | StoreError::NotFound(_)) => {}
            Err(error) => {
                tracing::warn!(%error, stack_run = %row.lease.id, "the outcome could not be recorded");
                state.rearm();
                return;
            }
        }
    }
    // Everything was on record: the report got lost, and with it who goes on.
    match recovery::handed_to_us(state, &leased.row).await {
        Some(next) => {
            leased.row = next;
            state.go_on(leased);
        }
        None => {
            drop(leased);
            state.look();
        }
    }
}

/// At the end of this process: what waits is settled without the executor's word, since nobody hears
/// that any more.
pub async fn settle(state: &State) {
    let all: Vec<Sent> = waiting(state).drain().map(|(_, sent)| sent).collect();
    if all.is_empty() {
        return;
    }
    // Turns that are under way end meanwhile, most likely.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for sent in all {
        match recovery::handed_to_us(state, &sent.leased.row).await {
            Some(next) => drop(state.0.store.release(&next, 0).await),
            None => record(state, sent).await,
        }
    }
}
