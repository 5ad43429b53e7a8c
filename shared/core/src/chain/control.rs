//! What people and deadlines do to a run from outside.

use super::{AtEnd, Chain, Child, Effect, End, Holder, Lease, Rejected, Resolved, Rules, Seq};
use crate::{Kind, Status};

impl Chain {
    /// A holder gives a child back.
    pub(super) fn release_child(&mut self, seq: Seq) -> Result<(), Rejected> {
        let paused = self.root.paused;
        let child = self.child(seq)?;
        child.status = Status::Pending;
        child.lease.owner = None;
        // The earliest open call, so it is the one that goes on when the run is resumed.
        child.runnable = !paused;
        Ok(())
    }

    /// Ends the run in a turn of its code, and notes on what it left open how to undo that.
    pub(super) fn finish_after(&mut self, before: &Chain, end: End) -> Vec<Effect> {
        let effects = self.finish(end);
        for (seq, child) in &mut self.open {
            if child.status == Status::Cancelled {
                let was_open = before.open.contains_key(seq);
                child.at_end = Some(if was_open { AtEnd::Cut } else { AtEnd::New });
            }
        }
        effects
    }

    /// The call waits for a person, and no other call of its run goes on meanwhile.
    pub(super) fn doubt(&mut self, by: &Holder, rules: Rules) -> Result<Vec<Effect>, Rejected> {
        let seq = self.check(by, rules)?.ok_or(Rejected::Fenced)?;
        let call = self.child(seq)?;
        if call.kind != Kind::Call || call.status != Status::Processing {
            return Err(Rejected::Fenced);
        }
        call.status = Status::NeedsAttention;
        call.unsure = true;
        call.lease = Lease { epoch: call.lease.epoch + 1, owner: None };
        Ok(Vec::new())
    }

    pub(super) fn resolve(&mut self, seq: Seq, how: Resolved) -> Result<Vec<Effect>, Rejected> {
        let call = self.open.get_mut(&seq).filter(|c| c.status == Status::NeedsAttention);
        let call = call.ok_or(Rejected::NotWaiting)?;
        match how {
            Resolved::Outcome(ok) => {
                self.settle(seq, ok);
                Ok(self.ready_root())
            }
            Resolved::Again => {
                call.unsure = false;
                self.release_child(seq)?;
                Ok(vec![Effect::Wake])
            }
        }
    }

    pub(super) fn stop(&mut self, end: End) -> Result<Vec<Effect>, Rejected> {
        self.check_open()?;
        let before = self.clone();
        self.root.stopped = true;
        Ok(self.finish_after(&before, end))
    }

    pub(super) fn pause(&mut self) -> Result<Vec<Effect>, Rejected> {
        self.check_open()?;
        self.root.paused = true;
        self.open.values_mut().for_each(|child| child.runnable = false);
        Ok(Vec::new())
    }

    pub(super) fn unpause(&mut self) -> Result<Vec<Effect>, Rejected> {
        self.check_open()?;
        if !self.root.paused {
            return Ok(Vec::new());
        }
        self.root.paused = false;
        let waits = |c: &Child| c.kind == Kind::Call && c.status == Status::Pending;
        for child in self.open.values_mut() {
            child.runnable = !waits(child);
        }
        // While the root is about to run, its next quiet point lets the next call go.
        if self.root.status == Status::SuspendedWaitingChild {
            self.promote(None);
        }
        Ok(vec![Effect::Wake])
    }

    /// Makes the root run again from its journal, which another version of the code has replayed.
    /// Whatever isolate of the old version is parked somewhere is older than the claim that follows.
    pub(super) fn upgrade(&mut self, deliveries: u32, calls: Seq) -> Result<Vec<Effect>, Rejected> {
        self.check_open()?;
        if self.root.status == Status::Processing {
            return Err(Rejected::Busy);
        }
        if (self.root.deliveries, self.root.next_seq) != (deliveries, calls) {
            return Err(Rejected::Outdated);
        }
        Ok(self.ready_root())
    }

    fn check_open(&self) -> Result<(), Rejected> {
        let status = self.root.status;
        if status.is_terminal() { Err(Rejected::Ended(status)) } else { Ok(()) }
    }

    /// Takes the turn back that ended the run, and with it the failure that it was told of.
    pub(super) fn retry(&mut self) -> Result<Vec<Effect>, Rejected> {
        if !matches!(self.root.status, Status::Failed | Status::Cancelled) {
            return Err(Rejected::NotFailed(self.root.status));
        }
        let asked_last = |c: &Child| c.at_end == Some(AtEnd::New);
        self.open.retain(|seq, child| {
            if asked_last(child) {
                self.root.next_seq = self.root.next_seq.min(*seq);
            }
            !asked_last(child)
        });
        if !self.root.stopped {
            self.take_back_failure();
        }
        for child in self.open.values_mut().filter(|c| c.at_end == Some(AtEnd::Cut)) {
            child.reopen();
        }
        self.root.stopped = false;
        self.root.paused = false;
        self.root.release();
        Ok(vec![Effect::Wake])
    }

    /// If the last outcome was a failure, the code ended on it: that step is done again.
    fn take_back_failure(&mut self) {
        let Some(last) = self.root.deliveries.checked_sub(1) else { return };
        let failed = |c: &&mut Child| c.delivery == Some(last) && c.status == Status::Failed;
        if let Some(child) = self.open.values_mut().find(failed) {
            child.delivery = None;
            // A person asked for it: the service's answer is known, so nothing is uncertain.
            child.unsure = false;
            child.reopen();
            self.root.deliveries = last;
        }
    }
}

impl Child {
    fn reopen(&mut self) {
        self.status = if self.unsure { Status::NeedsAttention } else { Status::Pending };
        // A call's turn comes at the root's next quiet point.
        self.runnable = self.kind == Kind::Timer || self.unsure;
        self.at_end = None;
    }
}
