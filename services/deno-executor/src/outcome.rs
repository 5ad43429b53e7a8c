//! An outcome comes for a run: its isolate goes on to the next quiet point, which is committed, and
//! the processor is told what comes next. A call that changes nothing may go out before that commit.

use std::sync::Arc;

use tasker_core::{
    StackRunId,
    wire::{LeaseRef, Progress, TurnReport},
};
use tasker_store::{Outcome, StoreError};

use crate::{
    committer::Commit,
    going::Going,
    pool::{Loss, Turn},
    protocol::Delivered,
    quiet::{self, Uncommitted},
    runs::{RunError, Runs, now_ms},
    warm::{Commits, Warm},
};

/// An outcome, and under which lease it comes.
pub struct Delivery {
    pub root_id: StackRunId,
    pub lease: LeaseRef,
    /// Number of the call in its run.
    pub seq: u32,
    pub outcome: Outcome,
    /// The processor takes the next call at once.
    pub keep: bool,
}

/// Whoever is told what became of it. Called once, or twice if a commit failed after a call had gone
/// ahead of it.
pub type Tell<'a> = &'a (dyn Fn(TurnReport) + Send + Sync);

impl Runs {
    /// Gives an outcome to its run.
    pub async fn deliver(&self, delivery: Delivery, tell: Tell<'_>) {
        let turn = self.turns.take(delivery.root_id).await;
        let ahead = self.deliver_now(delivery, tell).await;
        drop(turn);
        let Some(Ahead { of, seq, commits, commit }) = ahead else { return };
        if matches!(commit.done().await, Ok(true)) {
            commits.record(seq);
        } else {
            commits.fail();
            tell(refused(of, "the step that a call went ahead of was not committed"));
        }
    }

    async fn deliver_now(&self, delivery: Delivery, tell: Tell<'_>) -> Option<Ahead> {
        let Delivery { root_id, lease, seq, outcome, keep } = delivery;
        let delivered = |warm: &Warm| warm.usable() && !warm.open.contains_key(&seq);
        let again = |warm: &Warm| delivered(warm).then(|| warm.last.clone());
        // It was delivered before: the report got lost, or the message came twice.
        if let Some(last) = self.parked.look(root_id, again) {
            last.filter(|last| last.of == lease).into_iter().for_each(tell);
            return None;
        }
        let Some(mut warm) = self.parked.take(root_id).filter(Warm::usable) else {
            self.record(&lease, &outcome, tell).await;
            return None;
        };
        let at_ms = now_ms();
        let (Ok(value) | Err(value)) = &outcome;
        let sent = Delivered { seq, ok: outcome.is_ok(), value, at_ms };
        let turn = self.pool().deliver(&mut warm.session, sent).await;
        if matches!(turn, Turn::Lost(Loss::Crashed | Loss::Memory)) {
            self.record(&lease, &outcome, tell).await;
            return None;
        }
        let report = self.settle(turn);
        let going = Going { root_id, lease, seq, outcome, at_ms, keep, warm, report };
        if going.suits() {
            return self.step(going, tell).await;
        }
        self.commit_alone(going, tell).await;
        None
    }

    /// The common case: one call ended, and the code made the next. Committed with others.
    async fn step(&self, mut going: Going, tell: Tell<'_>) -> Option<Ahead> {
        let numbers = match self.committer.numbers(going.report.asked.len()).await {
            Ok(numbers) => numbers,
            Err(error) => {
                tell(refused(going.lease, &error.to_string()));
                return None;
            }
        };
        let (step, next) = going.step(&numbers, self.executor.clone());
        let Going { root_id, lease, seq, outcome, mut warm, report, .. } = going;
        let ahead = self.ahead && (next.is_safe() || tasker_fault::on("unsafeahead"));
        let commit = self.committer.push(step);
        let told = |recorded_through| TurnReport {
            of: lease.clone(),
            progress: Progress { next: Some(next.clone()), ..Progress::default() },
            recorded_through,
            refused: None,
        };
        if !ahead {
            if !matches!(commit.now().await, Ok(true)) {
                // Somebody else moved the run: the long way decides.
                self.record(&lease, &outcome, tell).await;
                return None;
            }
            let told = told(Some(seq));
            warm.stepped(seq, None, told.clone()).record(seq);
            self.park(root_id, warm, report.heap_bytes);
            tell(told);
            return None;
        }
        let told = told(warm.recorded());
        let commits = warm.stepped(seq, Some(commit.clone()), told.clone());
        self.park(root_id, warm, report.heap_bytes);
        tell(told);
        Some(Ahead { of: lease, seq, commits, commit })
    }

    /// Everything else: the run is loaded, and the state machine decides.
    async fn commit_alone(&self, going: Going, tell: Tell<'_>) {
        let Going { root_id, lease, seq, outcome, at_ms, keep, warm, report } = going;
        if !warm.committed().await {
            self.record(&lease, &outcome, tell).await;
            return;
        }
        let delivered = Some((outcome, at_ms));
        let step = quiet::Step { root_id, lease: &lease, seq: Some(seq), keep, delivered };
        match self.commit(step, warm, report).await {
            Ok(quiet) => {
                let advanced = quiet.advanced;
                let progress = Progress {
                    next: advanced.next,
                    wake: advanced.wake,
                    finished: advanced.finished,
                    parked: false,
                };
                tell(TurnReport {
                    of: lease,
                    progress,
                    recorded_through: Some(u32::MAX),
                    refused: None,
                });
            }
            Err(Uncommitted {
                why: RunError::Store(StoreError::Rejected(_)),
                delivered: Some((again, _)),
            }) => self.record(&lease, &again, tell).await,
            Err(Uncommitted { why, .. }) => tell(refused(lease, &why.to_string())),
        }
    }

    /// No isolate takes it: the run is to be resumed from its journal.
    async fn record(&self, lease: &LeaseRef, outcome: &Outcome, tell: Tell<'_>) {
        match self.store().record(lease, outcome, now_ms()).await {
            Ok(advanced) => {
                let progress =
                    Progress { wake: advanced.wake, parked: true, ..Progress::default() };
                let of = lease.clone();
                let recorded_through = Some(u32::MAX);
                tell(TurnReport { of, progress, recorded_through, refused: None });
            }
            Err(error) => tell(refused(lease.clone(), &error.to_string())),
        }
    }
}

/// A call went out before the step that made it was committed.
struct Ahead {
    of: LeaseRef,
    seq: u32,
    commits: Arc<Commits>,
    commit: Commit,
}

fn refused(of: LeaseRef, why: &str) -> TurnReport {
    let progress = Progress::default();
    TurnReport { of, progress, recorded_through: None, refused: Some(why.to_owned()) }
}
