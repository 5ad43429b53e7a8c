//! A turn that is to be committed, as the step that a call's outcome and the next calls are.

use tasker_core::{
    HostCall, StackRunId,
    run::step::{Ask, Made, Step},
    wire::{Handed, LeaseRef},
};
use tasker_store::Outcome;

use crate::{
    protocol::{AskedNow, Report},
    quiet,
    warm::Warm,
};

/// A turn that is to be committed.
pub struct Going {
    pub root_id: StackRunId,
    pub lease: LeaseRef,
    pub seq: u32,
    pub outcome: Outcome,
    pub at_ms: i64,
    pub keep: bool,
    pub warm: Warm,
    pub report: Report,
}

impl Going {
    /// Whether it is the common case, which needs no look at the database before it is written.
    pub fn suits(&self) -> bool {
        let Report { asked, cleared, end, .. } = &self.report;
        let calls = asked.iter().any(|asked| matches!(asked, AskedNow::Call { .. }));
        self.keep && Step::suits(self.warm.open.len(), calls, cleared, end.is_some())
    }

    /// The step, and the call that the processor goes on with.
    pub fn step(&mut self, numbers: &[StackRunId], executor: Option<String>) -> (Step, Handed) {
        let asked: Vec<Ask> =
            std::mem::take(&mut self.report.asked).into_iter().map(quiet::ask).collect();
        let first = asked.iter().position(|ask| matches!(ask, Ask::Call(_))).unwrap_or_default();
        let warm = &mut self.warm;
        let next = handed(
            self.root_id,
            warm,
            &self.lease.owner,
            numbers[first],
            first,
            &asked[first],
            executor,
        );
        let made = numbers.iter().zip(asked).enumerate().map(|(i, (id, ask))| Made {
            id: *id,
            ask,
            leased: i == first,
            ended: None,
        });
        let step = Step {
            root_id: self.root_id,
            task_run_id: warm.task_run_id,
            root_epoch: warm.made_at,
            deliveries: warm.deliveries,
            calls: warm.calls,
            by: self.lease.clone(),
            call: warm.open_call(self.seq),
            seq: self.seq,
            outcome: self.outcome.clone(),
            at_ms: self.at_ms,
            made: made.collect(),
            logs: std::mem::take(&mut self.report.logs),
        };
        warm.asked(step.made.iter().map(|made| &made.ask));
        (step, next)
    }
}

fn handed(
    root_id: StackRunId,
    warm: &Warm,
    owner: &str,
    id: StackRunId,
    place: usize,
    ask: &Ask,
    executor: Option<String>,
) -> Handed {
    let call = match ask {
        Ask::Call(call) => call.clone(),
        Ask::Timer(_) => HostCall::new("", "", tasker_core::json::null()),
    };
    Handed {
        // A step leases its own call for the first time.
        lease: LeaseRef { id, epoch: 1, owner: owner.to_owned() },
        root_id,
        task_run_id: warm.task_run_id,
        seq: warm.calls + u32::try_from(place).unwrap_or(u32::MAX),
        idempotent: call.is_idempotent(),
        service: call.service,
        method: call.method,
        args: call.args,
        options: call.options,
        attempt: 1,
        crashes: 0,
        executor,
    }
}
