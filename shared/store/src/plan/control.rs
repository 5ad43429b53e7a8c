//! Plans of the verbs for people and deadlines.

use tasker_core::{
    HostCall, StackRunId, Status,
    run::{End, Event, Rejected, Resolved, Row},
    wire::LeaseRef,
};

use super::{Loaded, Plan, Values, load::lease};
use crate::{
    Result,
    session::Write,
    sql,
    types::{Outcome, Resolution, Retry, Upgrade},
};

impl Loaded {
    /// A person says what became of call `id`.
    pub fn resolve(self, id: StackRunId, how: &Resolution, at_ms: i64) -> Result<Plan> {
        // A root, and a call that ended, wait for no person.
        let Ok(Row::Child(seq)) = self.row(id) else { return Err(Rejected::NotWaiting.into()) };
        let outcome = match how {
            Resolution::Outcome(outcome) => outcome,
            Resolution::Again => {
                let mut plan = self.bare(Event::Resolved { seq, how: Resolved::Again })?;
                let key = self.calls.get(&seq).map(|row| HostCall::key(&row.call.options, id));
                // A service that noted it as sent is not to doubt it once more.
                plan.writes.push(Write::new(sql::FORGET_SENT, ["".into(), key.into()]));
                return Ok(plan);
            }
        };
        let how = Resolved::Outcome(outcome.is_ok());
        self.after(Event::Resolved { seq, how }, &Values::settled(seq, outcome, at_ms))
    }

    /// Ends the run from outside; `why` is what is told of it.
    pub fn stop(self, end: End, why: Outcome) -> Result<Plan> {
        let values = Values { end: Some(&why), ..Values::default() };
        let mut plan = self.after(Event::Stopped { end }, &values)?;
        plan.outer = self.outer_call.map(|call| (call, why));
        Ok(plan)
    }

    /// Keeps the run's rows from being claimed, or lets them again.
    pub fn pause(self, paused: bool) -> Result<Plan> {
        self.bare(if paused { Event::Paused } else { Event::Unpaused })
    }

    /// The run goes on. Loaded by [`sql::LOAD_ENDED`].
    pub fn retry(self, how: Retry) -> Result<Plan> {
        let mut plan = self.bare(Event::Retried)?;
        let task = [self.task_run_id.into(), how.newest_code.into()];
        plan.writes.push(Write::new(sql::REOPEN_TASK, task));
        let root = [self.root_id.into(), how.timeout_ms.into()];
        plan.writes.push(Write::new(sql::REOPEN_ROOT, root));
        Ok(plan)
    }

    /// The run goes on on another version of its code.
    pub fn upgrade(self, how: Upgrade) -> Result<Plan> {
        let event = Event::Upgraded { deliveries: how.deliveries, calls: how.calls };
        let mut plan = self.bare(event)?;
        plan.writes.push(Write::new(sql::PIN, [self.task_run_id.into(), how.to.into()]));
        Ok(plan)
    }

    /// Whether the run is paused.
    pub fn paused(&self) -> bool {
        self.run.root.paused
    }

    /// Whether this is the lease on the call now.
    pub fn holds(&self, by: &LeaseRef) -> bool {
        self.row(by.id).is_ok_and(|row| self.run.holds(row, &lease(by)))
    }

    /// How the run stands.
    pub fn status(&self) -> Status {
        self.run.root.status()
    }
}
