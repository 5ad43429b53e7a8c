//! Plans of the verbs for people and deadlines.

use tasker_core::{
    HostCall, StackRunId, Status,
    chain::{End, Event, Rejected, Resolved},
    wire::LeaseRef,
};

use super::{Loaded, Plan, Settled, Times};
use crate::{
    Result,
    session::Write,
    sql,
    types::{Outcome, Resolution, Retry, Upgrade},
};

impl Loaded {
    /// A person says what became of call `id`.
    pub fn resolve(self, id: StackRunId, how: &Resolution, at_ms: i64, t: Times) -> Result<Plan> {
        let seq = self.seq_of(id).map_err(|_| Rejected::NotWaiting)?;
        let (how, settled) = match how {
            Resolution::Again => (Resolved::Again, None),
            Resolution::Outcome(outcome) => {
                let settled = Settled { seq, outcome, at_ms };
                (Resolved::Outcome(outcome.is_ok()), Some(settled))
            }
        };
        let again = how == Resolved::Again;
        let mut plan = self.write(Event::Resolved { seq, how }, settled, &[], None, t)?;
        if let (true, Some(row)) = (again, self.calls.get(&seq)) {
            // A service that noted it as sent is not to doubt it once more.
            let key = HostCall::key(&row.call.options, id);
            plan.writes.push(Write::new(sql::FORGET_SENT, ["".into(), key.into()]));
        }
        Ok(plan)
    }

    /// Ends the run from outside; `why` is what is told of it.
    pub fn stop(self, end: End, why: Outcome, times: Times) -> Result<Plan> {
        let mut plan = self.write(Event::Stopped { end }, None, &[], Some(&why), times)?;
        plan.outer = self.outer_call.map(|call| (call, why));
        Ok(plan)
    }

    /// Keeps the run's rows from being claimed, or lets them again.
    pub fn pause(self, paused: bool, times: Times) -> Result<Plan> {
        let event = if paused { Event::Paused } else { Event::Unpaused };
        self.write(event, None, &[], None, times)
    }

    /// The run goes on. Loaded by [`sql::LOAD_ENDED`].
    pub fn retry(self, how: Retry, times: Times) -> Result<Plan> {
        let mut plan = self.write(Event::Retried, None, &[], None, times)?;
        let task = [self.task_run_id.into(), how.newest_code.into()];
        plan.writes.push(Write::new(sql::REOPEN_TASK, task));
        let root = [self.root_id.into(), how.timeout_ms.into()];
        plan.writes.push(Write::new(sql::REOPEN_ROOT, root));
        Ok(plan)
    }

    /// The run goes on on another version of its code.
    pub fn upgrade(self, how: Upgrade, times: Times) -> Result<Plan> {
        let event = Event::Upgraded { deliveries: how.deliveries, calls: how.calls };
        let mut plan = self.write(event, None, &[], None, times)?;
        plan.writes.push(Write::new(sql::PIN, [self.task_run_id.into(), how.to.into()]));
        Ok(plan)
    }

    /// The row's holders died on it too often. A call fails with that, anything else its run.
    pub fn crash_loop(self, by: &LeaseRef, why: Outcome, at_ms: i64, t: Times) -> Result<Plan> {
        let is_call = self
            .calls
            .values()
            .any(|c| c.id == by.id && c.call.service != tasker_core::call::TIMER);
        let mut plan = if is_call {
            self.record(by, &why, at_ms, t)?
        } else {
            self.stop(End::Failed, why, t)?
        };
        plan.writes.push(Write::new(sql::COUNT_CRASH, [by.id.into()]));
        Ok(plan)
    }

    /// Whether the run is paused.
    pub fn paused(&self) -> bool {
        self.chain.root.paused
    }

    /// Whether this is the lease on the call now.
    pub fn holds(&self, by: &LeaseRef) -> bool {
        let same = |c: &tasker_core::chain::Child| {
            c.status == Status::Processing
                && c.lease.epoch == by.epoch
                && c.lease.owner.as_ref() == Some(&by.owner)
        };
        self.seq_of(by.id).is_ok_and(|seq| self.chain.open.get(&seq).is_some_and(same))
    }

    /// How the run stands.
    pub fn status(&self) -> Status {
        self.chain.root.status
    }
}
