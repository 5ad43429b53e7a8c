//! What task code did up to a quiet point, committed.

use tasker_core::{
    HostCall, StackRunId, TaskError, TaskRunId, journal::Journal, json, wire::LeaseRef,
};
use tasker_store::{Advance, Advanced, Ask, Outcome, StoreError};

use crate::{
    protocol::{AskedNow, Ended, Report},
    runs::{RunError, Runs},
    warm::Warm,
};

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

/// One quiet point, to be committed.
pub struct Step<'a> {
    pub root_id: StackRunId,
    pub lease: &'a LeaseRef,
    /// Number of the call whose outcome was delivered.
    pub seq: Option<u32>,
    pub keep: bool,
    pub delivered: Option<(Outcome, i64)>,
}

/// A quiet point that was not committed, and the outcome that had led to it.
pub struct Uncommitted {
    pub why: RunError,
    pub delivered: Option<(Outcome, i64)>,
}

impl Runs {
    /// The run fails: it cannot go on, and trying again would not help.
    pub async fn without_code(
        &self,
        lease: &LeaseRef,
        task_run_id: TaskRunId,
        journal: &Journal,
    ) -> Result<Quiet, RunError> {
        let error = TaskError::new(
            "CodeGone",
            "the version of the task that this run started with was deleted from \
             task_function_versions: publish the task again and submit a new run",
        );
        let advance = Advance {
            root_id: lease.id,
            by: lease.clone(),
            deliveries: journal.deliveries(),
            calls: journal.calls(),
            made_at: Some(lease.epoch),
            delivered: None,
            asked: Vec::new(),
            cleared: Vec::new(),
            end: Some(Err(json::of(&error))),
            keep: None,
            logs: Vec::new(),
            executor: None,
        };
        let advanced = self.store().advance(&advance).await?;
        Ok(Quiet { task_run_id, advanced, end: advance.end, asked: None })
    }

    pub async fn commit(
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
            executor: self.executor.clone(),
        };
        let done = match self.store().advance(&advance).await {
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
            warm.asked(advance.asked.iter());
            warm.advanced(step.seq, &advance.cleared);
            self.park(step.root_id, warm, report.heap_bytes);
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
        self.store().advance(advance).await
    }
}

/// What the code asked for, as the store takes it.
pub fn ask(asked: AskedNow) -> Ask {
    match asked {
        AskedNow::Call { service, method, args, options } => {
            Ask::Call(HostCall { service, method, args, options })
        }
        AskedNow::Timer(ms) => Ask::Timer(ms),
    }
}
