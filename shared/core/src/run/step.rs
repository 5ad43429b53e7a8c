//! The step of a warm run, decided in advance: one call ended, the code went on, these calls were
//! made. It is written by one guarded statement, without a look at the run before: if the call is
//! still leased as it was and the journal is as long as it was, nobody else moved the run, and
//! [`transition`](super::transition) would have said the same. A step that loses that race
//! changes nothing, and the long way decides.

use super::{
    event::Turn,
    row::{Lease, Request, Row},
    state::Child,
};
use crate::{HostCall, Json, Kind, LogLine, StackRunId, TaskRunId, wire::LeaseRef};

/// An outcome of a call: result, or error.
pub type Outcome = Result<Json, Json>;

/// One thing task code asked for.
#[derive(Clone, Debug)]
pub enum Ask {
    /// A host call.
    Call(HostCall),
    /// A timer that falls due this many milliseconds after the commit.
    Timer(u64),
}

impl Ask {
    /// What its row is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Call(_) => Kind::Call,
            Self::Timer(_) => Kind::Timer,
        }
    }

    /// As the state machine sees it.
    pub fn request(&self) -> Request {
        match self {
            Self::Call(call) => Request::Call { repeatable: call.is_idempotent() },
            Self::Timer(_) => Request::Timer,
        }
    }
}

/// A call that ended, where it was the only one open in its run.
#[derive(Clone, Debug)]
pub struct Step {
    /// Root row of the run.
    pub root_id: StackRunId,
    /// The run.
    pub task_run_id: TaskRunId,
    /// Epoch of the root's lease under which the isolate was made.
    pub root_epoch: i64,
    /// Outcomes that the code had been given before.
    pub deliveries: u32,
    /// Calls and timers that it had made before.
    pub calls: u32,
    /// The lease on the call that ended.
    pub by: LeaseRef,
    /// The call itself: what is secret in its outcome depends on it.
    pub call: HostCall,
    /// Number of the call in its run.
    pub seq: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// The task's clock then.
    pub at_ms: i64,
    /// What the code made of it, in order. The first call goes to the holder of the ended one.
    pub made: Vec<Made>,
    /// What it printed.
    pub logs: Vec<LogLine>,
}

/// A call or timer that a step makes.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its row.
    pub id: StackRunId,
    /// What was asked for.
    pub ask: Ask,
    /// Leased to the holder of the call before.
    pub leased: bool,
    /// How it ended, if that is known by the time it is written: then it is written once.
    pub ended: Option<Ended>,
}

/// The end of a call that its own step has not written yet.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What became of it.
    pub outcome: Outcome,
    /// The task's clock then.
    pub at_ms: i64,
    /// Place in the order of deliveries.
    pub delivery: u32,
}

impl Made {
    /// The state in which it is written; `owner` ended the call before.
    pub fn child(&self, owner: &str) -> Child {
        let mut child = Child::new(self.ask.request());
        if self.leased {
            child.lease(owner);
        }
        if let Some(ended) = &self.ended {
            child.settle(ended.outcome.is_ok(), ended.delivery);
        }
        child
    }
}

impl Step {
    /// The turn that it writes, unless others have joined it.
    pub fn turn(&self) -> Turn {
        Turn {
            row: Row::Child(self.seq),
            by: Lease { epoch: self.by.epoch, owner: self.by.owner.clone() },
            deliveries: self.deliveries,
            calls: self.calls,
            made_at: Some(self.root_epoch),
            delivered_ok: self.outcome.is_ok(),
            asked: self.made.iter().map(|made| made.ask.request()).collect(),
            cleared: Vec::new(),
            end: None,
            keep: Some(self.by.owner.clone()),
        }
    }

    /// Whether what the code did can be a step: it goes on with one new call at least. `open`: calls
    /// and timers that had not ended, the delivered one included.
    /// `calls`: a host call is among what it asked for.
    pub fn suits(open: usize, calls: bool, cleared: &[u32], ended: bool) -> bool {
        open == 1 && calls && cleared.is_empty() && !ended
    }

    /// Outcomes that the code has been given after this step.
    pub fn deliveries_after(&self) -> u32 {
        let ended = self.made.iter().filter(|made| made.ended.is_some()).count();
        self.deliveries + 1 + u32::try_from(ended).unwrap_or(u32::MAX)
    }

    /// Calls and timers that it has made after this step.
    pub fn calls_after(&self) -> u32 {
        self.calls + u32::try_from(self.made.len()).unwrap_or(u32::MAX)
    }

    /// The call that the run waits for after this step.
    pub fn waits_for(&self) -> Option<StackRunId> {
        self.made.iter().find(|made| made.leased && made.ended.is_none()).map(|made| made.id)
    }

    /// Joins the step that follows this one: both become one write. Gives it back if it does not
    /// follow.
    ///
    /// # Errors
    /// The step, unchanged.
    pub fn join(&mut self, next: Self) -> Result<(), Box<Self>> {
        let (deliveries, calls) = (self.deliveries_after(), self.calls_after());
        let follows = next.root_id == self.root_id
            && next.root_epoch == self.root_epoch
            && (next.deliveries, next.calls) == (deliveries, calls)
            && self.waits_for() == Some(next.by.id)
            // The epoch under which a step's own call is leased.
            && (next.by.epoch, &next.by.owner) == (1, &self.by.owner);
        let last = self.made.iter_mut().find(|made| made.id == next.by.id);
        let (true, Some(last)) = (follows, last) else { return Err(Box::new(next)) };
        let (outcome, at_ms) = (next.outcome, next.at_ms);
        last.ended = Some(Ended { outcome, at_ms, delivery: deliveries });
        self.made.extend(next.made);
        self.logs.extend(next.logs);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn step(by: i64, epoch: i64, seen: (u32, u32), made: i64) -> Step {
        let call = HostCall::new("wrappedgapi", "echo", json::null());
        let leased =
            Made { id: StackRunId(made), ask: Ask::Call(call.clone()), leased: true, ended: None };
        Step {
            root_id: StackRunId(1),
            task_run_id: TaskRunId(1),
            root_epoch: 1,
            deliveries: seen.0,
            calls: seen.1,
            by: LeaseRef { id: StackRunId(by), epoch, owner: "p".into() },
            call,
            seq: seen.0,
            outcome: Ok(json::null()),
            at_ms: 5,
            made: vec![leased],
            logs: Vec::new(),
        }
    }

    #[test]
    fn steps_that_follow_become_one() {
        let mut all = step(10, 3, (0, 1), 11);
        all.join(step(11, 1, (1, 2), 12)).unwrap();
        all.join(step(12, 1, (2, 3), 13)).unwrap();
        assert_eq!((all.deliveries_after(), all.calls_after()), (3, 4));
        assert_eq!(all.waits_for(), Some(StackRunId(13)));
        let order: Vec<_> = all.made.iter().map(|m| m.ended.as_ref().map(|e| e.delivery)).collect();
        assert_eq!(order, [Some(1), Some(2), None]);
    }

    #[test]
    fn what_does_not_follow_is_given_back() {
        for wrong in [
            step(11, 2, (1, 2), 12),
            step(12, 1, (1, 2), 13),
            step(11, 1, (2, 2), 12),
            step(11, 1, (1, 3), 12),
        ] {
            let mut first = step(10, 3, (0, 1), 11);
            let id = wrong.by.id;
            assert_eq!(first.join(wrong).unwrap_err().by.id, id);
            assert_eq!(first.made.len(), 1);
        }
    }
}
