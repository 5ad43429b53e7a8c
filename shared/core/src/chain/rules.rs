//! What each event does to the rows of a run.

use super::{Chain, Child, Effect, End, Holder, Lease, Rejected, Root, Rules, Seq};
use crate::{Kind, Status};

impl Chain {
    /// Checks the authority; answers the child it is about, or `None` for the root.
    pub(super) fn check(&mut self, by: &Holder, rules: Rules) -> Result<Option<Seq>, Rejected> {
        let (seq, good) = match by {
            Holder::Root(lease) => {
                (None, self.root.status == Status::Processing && self.root.lease == *lease)
            }
            Holder::Child(seq, lease) => {
                let child = self.child(*seq)?;
                (Some(*seq), child.status == Status::Processing && child.lease == *lease)
            }
            Holder::Nested(seq) => {
                (Some(*seq), self.child(*seq)?.status == Status::SuspendedWaitingChild)
            }
        };
        if good || !rules.fenced { Ok(seq) } else { Err(Rejected::Fenced) }
    }

    pub(super) fn child(&mut self, seq: Seq) -> Result<&mut Child, Rejected> {
        self.open.get_mut(&seq).ok_or(Rejected::Fenced)
    }

    /// Ends a child with its outcome and gives it the next place in the order of deliveries.
    pub(super) fn settle(&mut self, seq: Seq, ok: bool) {
        if let Some(child) = self.open.get_mut(&seq) {
            child.status = if ok { Status::Completed } else { Status::Failed };
            child.lease.owner = None;
            child.delivery = Some(self.root.deliveries);
            self.root.deliveries += 1;
        }
    }

    /// The code no longer wants a timer or a call. One that became a run of its own goes on.
    pub(super) fn clear(&mut self, seq: Seq) {
        if let Some(child) = self.open.get_mut(&seq)
            && child.status != Status::SuspendedWaitingChild
            && !child.status.is_terminal()
        {
            child.cancel();
        }
    }

    pub(super) fn ask(&mut self, kind: Kind) {
        let child = Child {
            kind,
            status: Status::Pending,
            runnable: kind == Kind::Timer && !self.root.paused,
            lease: Lease::default(),
            delivery: None,
            at_end: None,
            unsure: false,
        };
        self.open.insert(self.root.next_seq, child);
        self.root.next_seq += 1;
    }

    /// Ends the run; what it left open is cancelled, and late results of it are fenced.
    pub(super) fn finish(&mut self, end: End) -> Vec<Effect> {
        self.open.values_mut().filter(|c| !c.status.is_terminal()).for_each(Child::cancel);
        self.root.status = match end {
            End::Completed => Status::Completed,
            End::Failed => Status::Failed,
            End::Cancelled => Status::Cancelled,
        };
        self.root.waiting_on = None;
        self.root.lease.owner = None;
        vec![Effect::Finished(end)]
    }

    pub(super) fn suspend(&mut self, keep: Option<String>) -> Result<Vec<Effect>, Rejected> {
        let effects = self.promote(keep);
        let waits_for = |(seq, child): (&Seq, &Child)| {
            (!child.status.is_terminal()).then_some((child.kind != Kind::Call, *seq))
        };
        // A call before a timer, then the earliest: what a person would say the run waits for.
        let (_, seq) = self.open.iter().filter_map(waits_for).min().ok_or(Rejected::Deadlock)?;
        self.root.status = Status::SuspendedWaitingChild;
        self.root.waiting_on = Some(seq);
        self.root.lease.owner = None;
        Ok(effects)
    }

    /// Lets the earliest waiting call run, unless one is running.
    pub(super) fn promote(&mut self, keep: Option<String>) -> Vec<Effect> {
        let timers = self.open.values().any(|c| c.kind == Kind::Timer && c.is_ready());
        let mut effects = if timers { vec![Effect::Wake] } else { Vec::new() };
        // A paused run stops at its quiet point: the next call waits until it is resumed.
        if self.root.paused {
            return effects;
        }
        if self.open.values().any(Child::is_active_call) {
            return effects;
        }
        let waiting = |c: &Child| c.kind == Kind::Call && c.status == Status::Pending;
        if let Some((seq, call)) = self.open.iter_mut().find(|(_, c)| waiting(c)) {
            call.runnable = true;
            if let Some(owner) = keep {
                call.status = Status::Processing;
                call.lease = Lease { epoch: call.lease.epoch + 1, owner: Some(owner) };
                effects.push(Effect::Handed(*seq));
            } else if effects.is_empty() {
                effects.push(Effect::Wake);
            }
        }
        effects
    }

    /// After a result was recorded: somebody must resume the root, unless somebody is at it.
    pub(super) fn ready_root(&mut self) -> Vec<Effect> {
        if self.root.status != Status::SuspendedWaitingChild {
            return Vec::new();
        }
        self.root.status = Status::PendingResume;
        self.root.waiting_on = None;
        vec![Effect::Wake]
    }
}

impl Root {
    pub(super) fn release(&mut self) {
        self.status = if self.deliveries == 0 { Status::Pending } else { Status::PendingResume };
        self.lease.owner = None;
    }
}

impl Child {
    /// A call that is being worked on or can be claimed. One that became a nested run is neither.
    pub fn is_active_call(&self) -> bool {
        self.kind == Kind::Call
            && (matches!(self.status, Status::Processing | Status::NeedsAttention)
                || self.is_ready())
    }

    /// Can be claimed (a timer: once it is due).
    pub fn is_ready(&self) -> bool {
        self.runnable && self.status == Status::Pending
    }

    pub(super) fn cancel(&mut self) {
        self.status = Status::Cancelled;
        // A holder that comes back late finds another epoch.
        self.lease = Lease { epoch: self.lease.epoch + 1, owner: None };
    }
}
