//! Drives runs: from a lease to the next quiet point, committed.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tasker_core::{Json, StackRunId, TaskRunId, json, run::Rejected, wire::LeaseRef};
use tasker_store::{
    Advanced, Ask, NewRun, Outcome, RunImage, StorageAdapter, StoreError, SubmitOptions, Submitted,
};

use crate::{
    ExecutorArgs,
    committer::Committer,
    outcome::Turns,
    parked::Parked,
    pool::{Loss, Pool, Turn},
    protocol::{Delivered, Ended, Limits, Report, Seed},
    quiet::{Step, Uncommitted},
    warm::Warm,
};

/// A journal that grows under a resume is loaded again, so often at most.
const TRIES: usize = 5;

/// All runs of this process.
pub struct Runs {
    store: Arc<dyn StorageAdapter>,
    pool: Pool,
    limits: Limits,
    /// Isolates that wait for an outcome.
    pub(super) parked: Parked<Warm>,
    pub(super) turns: Turns,
    pub(super) committer: Committer,
    /// Calls that change nothing go out before the step that makes them is committed.
    pub(super) ahead: bool,
    /// Where other services reach this very executor.
    pub(super) executor: Option<String>,
}

/// What became of the code: its next quiet point.
pub struct Quiet {
    /// The run.
    pub task_run_id: TaskRunId,
    /// What the commit led to.
    pub advanced: Advanced,
    /// How the task ended, if it did.
    pub end: Option<Outcome>,
    /// The first thing it asked for in this turn, with its row.
    pub asked: Option<(StackRunId, Ask)>,
}

/// What became of an outcome that was brought for a run.
pub enum Resumed {
    /// Its code went on with it.
    WentOn(Box<Quiet>),
    /// No isolate took it: it is on record, and the run waits for a processor.
    Recorded(Box<Advanced>),
}

/// Why a run was not driven.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The database said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No worker process could be had.
    #[error("no worker process: {0}")]
    Workers(anyhow::Error),
    /// The run ended before.
    #[error("the run has ended")]
    Ended,
    /// The run has code of its own, or its task is gone.
    #[error("run {0} is of no published task, so there is no newer version of its code")]
    NotPublished(TaskRunId),
}

type Result<T> = std::result::Result<T, RunError>;

impl Runs {
    /// No runs yet.
    pub fn new(
        store: Arc<dyn StorageAdapter>,
        pool: Pool,
        args: &ExecutorArgs,
        executor: Option<String>,
    ) -> Self {
        Self {
            committer: Committer::start(store.clone()),
            store,
            pool,
            limits: args.limits.clone(),
            parked: Parked::new(args.parked_bytes),
            turns: Turns::default(),
            ahead: args.calls_ahead,
            executor,
        }
    }

    /// Nobody is to look here any more for the isolates that are parked.
    pub async fn unpark(&self) {
        let roots = self.parked.roots();
        if let (Some(executor), false) = (&self.executor, roots.is_empty())
            && let Err(error) = self.store.unpark(&roots, executor).await
        {
            tracing::warn!(%error, "runs will look for their isolates here in vain");
        }
    }

    /// The store the runs are in.
    pub fn store(&self) -> &Arc<dyn StorageAdapter> {
        &self.store
    }

    /// The worker processes.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Makes a run for code that is not published.
    pub async fn submit(&self, name: String, code: String, input: Json) -> Result<Submitted> {
        let run = NewRun { name, input, code: Some(code), parent: None };
        let options = SubmitOptions { untold: true, ..SubmitOptions::default() };
        Ok(self.store.submit_with(&run, &options).await?)
    }

    /// Brings a run, from its journal, to its next quiet point.
    pub async fn execute(&self, lease: &LeaseRef, keep: bool) -> Result<Quiet> {
        let root_id = lease.id;
        // An isolate that is still here has an older journal than the one this lease stands for.
        self.forget(root_id);
        let mut last = StoreError::Rejected(Rejected::Outdated);
        for _ in 0..TRIES {
            let image = self.store.image(root_id).await?;
            if image.ended {
                return Err(RunError::Ended);
            }
            let printed = self.store.logs(image.task_run_id, u32::MAX >> 1).await?.len();
            let task_run_id = image.task_run_id;
            let Some(code) = image.code.clone() else {
                let journal = &image.journal;
                let seen = (count(&journal.asked), count(&journal.delivered));
                return self.without_code(lease, task_run_id, seen.0, seen.1).await;
            };
            tasker_fault::poison(&image.name);
            let seed = self.seed(&image, code);
            let (session, turn) =
                self.pool.start(seed, &image.journal).await.map_err(RunError::Workers)?;
            let mut report = self.settle(turn);
            // Lines of turns that were committed before are already kept.
            report.logs.drain(..printed.min(report.logs.len()));
            let warm = Warm::new(session, task_run_id, &image.journal, lease.epoch);
            let step = Step { root_id, lease, seq: None, keep, delivered: None };
            match self.commit(step, warm, report).await {
                Err(Uncommitted {
                    why: RunError::Store(e @ StoreError::Rejected(Rejected::Outdated)),
                    ..
                }) => last = e,
                done => return done.map_err(|e| e.why),
            }
        }
        Err(last.into())
    }

    /// Gives a call's outcome to the run's parked isolate, or records it if none is parked.
    pub async fn resume(
        &self,
        root_id: StackRunId,
        lease: &LeaseRef,
        seq: u32,
        mut outcome: Outcome,
        keep: bool,
    ) -> Result<Resumed> {
        let at_ms = now_ms();
        let waits = |warm: &Warm| warm.usable() && warm.open.contains_key(&seq);
        if let Some(warm) = self.parked.take(root_id).filter(waits)
            && warm.committed().await
        {
            let ok = outcome.is_ok();
            let (Ok(value) | Err(value)) = &outcome;
            let delivery = Delivered { seq, ok, value, at_ms };
            let turn = self.pool.deliver(&warm.session, delivery).await;
            if !matches!(turn, Turn::Lost(Loss::Crashed | Loss::Memory)) {
                let report = self.settle(turn);
                // Moved, and given back if it did not count: it may be large.
                let delivered = Some((outcome, at_ms));
                let step = Step { root_id, lease, seq: Some(seq), keep, delivered };
                match self.commit(step, warm, report).await {
                    Err(Uncommitted {
                        why: RunError::Store(StoreError::Rejected(Rejected::Outdated)),
                        delivered: Some((again, _)),
                    }) => outcome = again,
                    Err(other) => return Err(other.why),
                    Ok(done) => return Ok(Resumed::WentOn(Box::new(done))),
                }
            }
        }
        Ok(Resumed::Recorded(Box::new(self.store.record(lease, &outcome, at_ms).await?)))
    }

    /// Code by itself, to be compiled.
    pub fn bare(&self, name: String, code: String) -> Seed {
        let limits = self.limits.clone();
        Seed { run: 0, name, code, input: json::null(), started_ms: 0, limits }
    }

    /// What a worker needs of a run.
    pub fn seed(&self, image: &RunImage, code: String) -> Seed {
        Seed {
            run: image.task_run_id.0,
            name: image.name.clone(),
            code,
            input: image.input.clone(),
            started_ms: image.started_ms,
            limits: self.limits.clone(),
        }
    }

    /// A lost worker is the end of the run that lost it.
    pub fn settle(&self, turn: Turn) -> Report {
        match turn {
            Turn::Quiet(report) => report,
            Turn::Lost(loss) => {
                let end = Some(Ended::Failed(json::of(&loss.error(self.pool.turn()))));
                Report { end, ..Report::default() }
            }
        }
    }

    /// Drops a run's parked isolate.
    pub fn forget(&self, root_id: StackRunId) {
        drop(self.parked.take(root_id));
    }
}

/// How many.
pub fn count<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

/// The clock of tasks, which goes by when outcomes come: milliseconds since the epoch.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
