//! Drives a run from its lease, or an outcome that its sender waits for, to the next quiet point.

use tasker_core::{StackRunId, run::Rejected, wire::LeaseRef};
use tasker_store::{Advanced, Outcome, StoreError};

use crate::{
    pool::{Loss, Turn},
    protocol::Delivered,
    quiet::{Quiet, Step, Uncommitted},
    runs::{RunError, Runs, now_ms},
    warm::Warm,
};

/// A journal that grows under a resume is loaded again, so often at most.
const TRIES: usize = 5;

/// What became of an outcome that was brought for a run.
pub enum Resumed {
    /// Its code went on with it.
    WentOn(Box<Quiet>),
    /// No isolate took it: it is on record, and the run waits for a processor.
    Recorded(Box<Advanced>),
}

impl Runs {
    /// Brings a run, from its journal, to its next quiet point.
    pub async fn execute(&self, lease: &LeaseRef, keep: bool) -> Result<Quiet, RunError> {
        let root_id = lease.id;
        // An isolate that is still here has an older journal than the one this lease stands for.
        self.forget(root_id);
        let mut last = StoreError::Rejected(Rejected::Outdated);
        for _ in 0..TRIES {
            let image = self.store().image(root_id).await?;
            if image.ended {
                return Err(RunError::Ended);
            }
            let printed = self.store().logs(image.task_run_id, u32::MAX >> 1).await?.len();
            let task_run_id = image.task_run_id;
            let Some(code) = image.code.clone() else {
                return self.without_code(lease, task_run_id, &image.journal).await;
            };
            tasker_fault::poison(&image.name);
            let seed = self.seed(&image, code);
            let (session, turn) =
                self.pool().start(seed, &image.journal).await.map_err(RunError::Workers)?;
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
    ) -> Result<Resumed, RunError> {
        let at_ms = now_ms();
        let waits = |warm: &Warm| warm.usable() && warm.open.contains_key(&seq);
        if let Some(mut warm) = self.parked.take(root_id).filter(waits)
            && warm.committed().await
        {
            let ok = outcome.is_ok();
            let (Ok(value) | Err(value)) = &outcome;
            let delivery = Delivered { seq, ok, value, at_ms };
            let turn = self.pool().deliver(&mut warm.session, delivery).await;
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
        Ok(Resumed::Recorded(Box::new(self.store().record(lease, &outcome, at_ms).await?)))
    }
}
