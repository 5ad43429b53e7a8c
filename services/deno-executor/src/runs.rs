//! Drives runs: from a lease to the next quiet point, committed.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tasker_core::{HostCall, Json, StackRunId, TaskRunId, chain::Rejected, json, wire::LeaseRef};
use tasker_store::{
    Advance, Advanced, Ask, NewRun, Outcome, RunImage, StorageAdapter, StoreError, SubmitOptions,
    Submitted,
};

use crate::{
    parked::Parked,
    pool::{Loss, Pool, Session, Turn},
    protocol::{AskedNow, Delivered, Ended, Limits, Report, Seed},
};

/// An engine costs about this much beside the task's own heap.
const ISOLATE_BYTES: usize = 3 << 20;
/// A journal that grows under a resume is loaded again, so often at most.
const TRIES: usize = 5;

/// All runs of this process.
pub struct Runs {
    store: Arc<dyn StorageAdapter>,
    pool: Pool,
    limits: Limits,
    /// Isolates that wait for an outcome.
    parked: Parked<Warm>,
}

/// A parked isolate and how far its code has come.
struct Warm {
    session: Session,
    task_run_id: TaskRunId,
    deliveries: u32,
    calls: u32,
    /// Epoch of the root's lease under which it was made.
    made_at: i64,
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
    pub fn new(store: Arc<dyn StorageAdapter>, pool: Pool, limits: Limits, budget: usize) -> Self {
        Self { store, pool, limits, parked: Parked::new(budget) }
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
            let (calls, deliveries) =
                (count(&image.journal.asked), count(&image.journal.delivered));
            let task_run_id = image.task_run_id;
            tasker_core::fault::poison(&image.name);
            let (session, turn) = self
                .pool
                .start(self.seed(&image), image.journal)
                .await
                .map_err(RunError::Workers)?;
            let mut report = self.settle(turn);
            // Lines of turns that were committed before are already kept.
            report.logs.drain(..printed.min(report.logs.len()));
            let warm = Warm { session, task_run_id, deliveries, calls, made_at: lease.epoch };
            let step = Step { root_id, lease, keep, delivered: None };
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

    /// Gives a call's outcome to the run's parked isolate. `None` if none is parked: then the
    /// outcome was recorded, and the run waits for a processor.
    pub async fn resume(
        &self,
        root_id: StackRunId,
        lease: &LeaseRef,
        seq: u32,
        mut outcome: Outcome,
        keep: bool,
    ) -> Result<std::result::Result<Quiet, Advanced>> {
        let at_ms = now_ms();
        if let Some(warm) = self.parked.take(root_id).filter(|w| w.session.alive()) {
            let ok = outcome.is_ok();
            let (Ok(value) | Err(value)) = &outcome;
            let delivery = Delivered { seq, ok, value, at_ms };
            let turn = self.pool.deliver(&warm.session, delivery).await;
            if !matches!(turn, Turn::Lost(Loss::Crashed | Loss::Memory)) {
                let report = self.settle(turn);
                // Moved, and given back if it did not count: it may be large.
                let delivered = Some((outcome, at_ms));
                let step = Step { root_id, lease, keep, delivered };
                match self.commit(step, warm, report).await {
                    Err(Uncommitted {
                        why: RunError::Store(StoreError::Rejected(Rejected::Outdated)),
                        delivered: Some((again, _)),
                    }) => outcome = again,
                    Err(other) => return Err(other.why),
                    Ok(done) => return Ok(Ok(done)),
                }
            }
        }
        Ok(Err(self.store.record(lease, &outcome, at_ms).await?))
    }

    /// Code by itself, to be compiled.
    pub fn bare(&self, name: String, code: String) -> Seed {
        let limits = self.limits.clone();
        Seed { run: 0, name, code, input: json::null(), started_ms: 0, limits }
    }

    /// What a worker needs of a run.
    pub fn seed(&self, image: &RunImage) -> Seed {
        Seed {
            run: image.task_run_id.0,
            name: image.name.clone(),
            code: image.code.clone(),
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

    async fn commit(
        &self,
        step: Step<'_>,
        mut warm: Warm,
        report: Report,
    ) -> std::result::Result<Quiet, Uncommitted> {
        let end = report.end.map(|e| match e {
            Ended::Returned(result) => Ok(result),
            Ended::Failed(error) => Err(error),
        });
        let mut advance = Advance {
            root_id: step.root_id,
            by: step.lease.clone(),
            deliveries: warm.deliveries,
            calls: warm.calls,
            made_at: Some(warm.made_at),
            delivered: step.delivered,
            asked: report.asked.into_iter().map(ask).collect(),
            cleared: report.cleared,
            end,
            keep: step.keep.then(|| step.lease.owner.clone()),
            logs: report.logs,
        };
        let calls = count(&advance.asked);
        let done = match self.store.advance(&advance).await {
            // Larger than the database takes: the run must not hang on it.
            Err(StoreError::Invalid { message, .. }) => self.refused(&mut advance, &message).await,
            done => done,
        };
        let advanced = match done {
            Ok(advanced) => advanced,
            Err(why) => {
                return Err(Uncommitted { why: why.into(), delivered: advance.delivered });
            }
        };
        let task_run_id = warm.task_run_id;
        if !advanced.finished {
            warm.deliveries += u32::from(advance.delivered.is_some());
            warm.calls += calls;
            self.parked.keep(step.root_id, warm, ISOLATE_BYTES + report.heap_bytes);
        }
        let asked = advanced.made.first().copied().zip(advance.asked.into_iter().next());
        Ok(Quiet { task_run_id, advanced, end: advance.end, asked })
    }

    /// The database does not take what the task asked for or returned: the run fails with that.
    async fn refused(
        &self,
        advance: &mut Advance,
        why: &str,
    ) -> std::result::Result<Advanced, StoreError> {
        let error = tasker_store::refused_value(why);
        advance.asked.clear();
        advance.logs.clear();
        advance.end = Some(Err(json::of(&error)));
        self.store.advance(advance).await
    }

    /// Drops a run's parked isolate.
    pub fn forget(&self, root_id: StackRunId) {
        drop(self.parked.take(root_id));
    }
}

/// One quiet point, to be committed.
struct Step<'a> {
    root_id: StackRunId,
    lease: &'a LeaseRef,
    keep: bool,
    delivered: Option<(Outcome, i64)>,
}

/// A quiet point that was not committed, and the outcome that had led to it.
struct Uncommitted {
    why: RunError,
    delivered: Option<(Outcome, i64)>,
}

fn ask(asked: AskedNow) -> Ask {
    match asked {
        AskedNow::Call { service, method, args, options } => {
            Ask::Call(HostCall { service, method, args, options })
        }
        AskedNow::Timer(ms) => Ask::Timer(ms),
    }
}

/// How many.
pub fn count<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
