//! The runs of this process: their store, their worker processes, their parked isolates.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tasker_core::{Json, StackRunId, TaskRunId, json};
use tasker_store::{NewRun, RunImage, StorageAdapter, StoreError, SubmitOptions, Submitted};

use crate::{
    ExecutorArgs,
    committer::Committer,
    parked::Parked,
    pool::{Pool, Turn},
    protocol::{Ended, Limits, Report, Seed},
    turns::Turns,
    warm::Warm,
};

/// An engine costs about this much beside the task's own heap.
const ISOLATE_BYTES: usize = 3 << 20;

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
    pub async fn submit(
        &self,
        name: String,
        code: String,
        input: Json,
    ) -> Result<Submitted, RunError> {
        let run = NewRun { name, input, code: Some(code), parent: None };
        let options = SubmitOptions { untold: true, ..SubmitOptions::default() };
        Ok(self.store.submit_with(&run, &options).await?)
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

    /// Keeps an isolate until the next outcome comes.
    pub fn park(&self, root: StackRunId, warm: Warm, heap_bytes: usize) {
        if tasker_fault::on("nopark") {
            return;
        }
        self.parked.keep(root, warm, ISOLATE_BYTES + heap_bytes);
    }

    /// Drops a run's parked isolate.
    pub fn forget(&self, root_id: StackRunId) {
        drop(self.parked.take(root_id));
    }
}

/// The clock of tasks, which goes by when outcomes come: milliseconds since the epoch.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
