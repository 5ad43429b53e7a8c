//! Moving an open run to the newest version of its code: the journal is replayed with that code in
//! a fresh isolate, each call compared with the recorded one. Only then, and only if the journal is
//! still the one that was replayed, the run is pinned to the new version.

use std::time::Duration;

use backon::Retryable as _;
use tasker_core::{Status, TaskError, TaskRunId, run::Rejected};
use tasker_store::{StoreError, Upgrade};

use crate::{
    protocol::Ended,
    runs::{RunError, Runs},
};

/// A run that goes on meanwhile is replayed again, so often at most.
const TRIES: u32 = 8;
/// After that long, and ever longer.
const PAUSE: Duration = Duration::from_millis(15);

/// What became of it.
pub enum Upgraded {
    /// It is on the newest version.
    Current(i64),
    /// It could be moved; it was not.
    Matches { from: i64, to: i64, calls: u32 },
    /// It goes on on the newest version.
    Moved { from: i64, to: i64, calls: u32 },
    /// The new code makes other calls, or fails. Nothing was changed.
    Refused { from: i64, to: i64, error: serde_json::Value },
}

impl Runs {
    /// Moves an open run to the newest version of its code; `dry_run`: only says whether it could.
    pub async fn upgrade(&self, run: TaskRunId, dry_run: bool) -> Result<Upgraded, RunError> {
        let pauses = (1..TRIES).map(|tries| PAUSE * tries);
        (|| self.try_upgrade(run, dry_run)).retry(pauses).when(went_on).await
    }

    async fn try_upgrade(&self, run: TaskRunId, dry_run: bool) -> Result<Upgraded, RunError> {
        let store = self.store();
        let missing = || StoreError::NotFound(format!("task run {run}"));
        let row = store.run(run).await?.ok_or_else(missing)?;
        if row.status.is_terminal() {
            return Err(StoreError::Rejected(Rejected::Ended(row.status)).into());
        }
        let newest = store.function(&row.task_name).await?;
        let newest = newest.filter(|f| Some(f.id) == row.task_function_id);
        let (Some(newest), Some(from)) = (newest, row.version) else {
            return Err(RunError::NotPublished(run));
        };
        if newest.version == from {
            return Ok(Upgraded::Current(from));
        }
        let root = store.stack_runs(run, 0, 1).await?.into_iter().next().ok_or_else(missing)?;
        if root.status == Status::Processing {
            return Err(StoreError::Rejected(Rejected::Busy).into());
        }
        let image = store.image(root.id).await?;
        let to = newest.version;
        let deliveries = image.journal.deliveries();
        let calls = image.journal.calls();
        let seed = self.seed(&image, newest.code);
        let started = self.pool().start(seed, &image.journal).await;
        let (_isolate, turn) = started.map_err(RunError::Workers)?;
        if let Some(Ended::Failed(error)) = self.settle(turn).end {
            let error = serde_json::from_str(error.get()).unwrap_or_default();
            return Ok(Upgraded::Refused { from, to, error });
        }
        if dry_run {
            return Ok(Upgraded::Matches { from, to, calls });
        }
        store.upgrade(run, Upgrade { from, to, deliveries, calls }).await?;
        // The old code's isolate: its commits would be refused, so it need not stay.
        self.forget(root.id);
        tracing::info!(task_run = %run, from, to, calls, "moved to newer code");
        Ok(Upgraded::Moved { from, to, calls })
    }

    /// Compiles code without running it; answers what is wrong with it.
    pub async fn check(&self, name: String, code: String) -> Result<Option<TaskError>, RunError> {
        let turn = self.pool().check(self.bare(name, code)).await.map_err(RunError::Workers)?;
        match self.settle(turn).end {
            Some(Ended::Failed(error)) => {
                let unknown = || TaskError::new("EngineError", "the code could not be compiled");
                Ok(Some(serde_json::from_str(error.get()).unwrap_or_else(|_| unknown())))
            }
            _ => Ok(None),
        }
    }
}

/// Whether the run moved while its journal was replayed.
fn went_on(error: &RunError) -> bool {
    use Rejected::{Busy, Outdated};
    matches!(error, RunError::Store(StoreError::Rejected(Outdated | Busy)))
}
