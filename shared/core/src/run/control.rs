//! What people and deadlines do to a run from outside.

use super::{
    effect::{Effect, Rejected, Rules},
    event::Resolved,
    row::{Lease, Row, Seq},
    state::{AtEnd, Child, ChildState, End, Ended, RootState, Run},
};
use crate::Kind;

impl Run {
    /// The call waits for a person, and no other call of its run goes on meanwhile.
    pub(super) fn doubt(
        &mut self,
        seq: Seq,
        by: &Lease,
        rules: Rules,
    ) -> Result<Vec<Effect>, Rejected> {
        self.check(Row::Child(seq), by, rules)?;
        let call = self.child(seq)?;
        if call.kind != Kind::Call || !matches!(call.state, ChildState::Leased(_)) {
            return Err(Rejected::Fenced);
        }
        call.state = ChildState::NeedsAttention;
        call.sent = true;
        call.tries.epoch += 1;
        Ok(Vec::new())
    }

    pub(super) fn resolve(&mut self, seq: Seq, how: Resolved) -> Result<Vec<Effect>, Rejected> {
        let call = self.open.get(&seq).filter(|c| c.state == ChildState::NeedsAttention);
        call.ok_or(Rejected::NotWaiting)?;
        match how {
            Resolved::Outcome(ok) => {
                self.settle(seq, ok);
                Ok(self.ready_root())
            }
            Resolved::Again => self.release(Row::Child(seq), 0),
        }
    }

    pub(super) fn stop(&mut self, end: End) -> Result<Vec<Effect>, Rejected> {
        self.check_open()?;
        Ok(self.finish_from_outside(end))
    }

    pub(super) fn pause(&mut self) -> Result<Vec<Effect>, Rejected> {
        self.check_open()?;
        self.root.paused = true;
        let ready = |c: &&mut Child| c.state == ChildState::Ready;
        self.open.values_mut().filter(ready).for_each(|c| c.state = ChildState::Queued);
        Ok(Vec::new())
    }

    pub(super) fn unpause(&mut self) -> Result<Vec<Effect>, Rejected> {
        self.check_open()?;
        if !self.root.paused {
            return Ok(Vec::new());
        }
        self.root.paused = false;
        let timer = |c: &&mut Child| c.kind == Kind::Timer && c.state == ChildState::Queued;
        self.open.values_mut().filter(timer).for_each(|c| c.state = ChildState::Ready);
        let mut effects = vec![Effect::Wake];
        // While the root is about to run, its next suspension point lets the next call go.
        if matches!(self.root.state, RootState::Waiting { .. }) {
            effects.extend(self.promote(None));
        }
        Ok(effects)
    }

    /// Makes the root run again from its journal, which another version of the code has replayed.
    /// Whatever isolate of the old version is parked somewhere is older than the claim that follows.
    pub(super) fn upgrade(&mut self, deliveries: u32, calls: Seq) -> Result<Vec<Effect>, Rejected> {
        self.check_open()?;
        if matches!(self.root.state, RootState::Leased(_)) {
            return Err(Rejected::Busy);
        }
        if (self.root.deliveries, self.root.next_seq) != (deliveries, calls) {
            return Err(Rejected::Outdated);
        }
        Ok(self.ready_root())
    }

    fn check_open(&self) -> Result<(), Rejected> {
        match self.root.state {
            RootState::Ended { how, .. } => Err(Rejected::Ended(how.status())),
            _ => Ok(()),
        }
    }

    /// Takes the turn back that ended the run, and with it the failure that it was told of.
    pub(super) fn retry(&mut self) -> Result<Vec<Effect>, Rejected> {
        let stopped = match self.root.state {
            RootState::Ended { how: End::Failed | End::Cancelled, stopped } => stopped,
            _ => return Err(Rejected::NotFailed(self.root.status())),
        };
        let asked_last =
            |c: &Child| c.state == ChildState::Ended(Ended::Cancelled(Some(AtEnd::New)));
        let first = self.open.iter().find(|(_, child)| asked_last(child));
        if let Some((seq, _)) = first {
            self.root.next_seq = *seq;
        }
        self.open.retain(|_, child| !asked_last(child));
        let mut effects = vec![Effect::Due(Row::Root, 0), Effect::Wake];
        if !stopped {
            effects.extend(self.take_back_failure());
        }
        let cut = ChildState::Ended(Ended::Cancelled(Some(AtEnd::Cut)));
        for (seq, child) in self.open.iter_mut().filter(|(_, child)| child.state == cut) {
            effects.extend(child.reopen(*seq));
        }
        self.root.state = RootState::Ready;
        self.root.paused = false;
        self.root.tries.forgive();
        Ok(effects)
    }

    /// If the last outcome was a failure, the code ended on it: that step is done again.
    fn take_back_failure(&mut self) -> Option<Effect> {
        let last = self.root.deliveries.checked_sub(1)?;
        let failure = ChildState::Ended(Ended::Outcome { ok: false, delivery: last });
        let (seq, child) = self.open.iter_mut().find(|(_, child)| child.state == failure)?;
        // A person asked for it: the service's answer is known, so nothing is uncertain.
        child.sent = false;
        self.root.deliveries = last;
        child.reopen(*seq)
    }
}

impl Child {
    /// Open once more. What may have happened waits for a person, as if its lease had been lost.
    fn reopen(&mut self, seq: Seq) -> Option<Effect> {
        if self.sent {
            self.state = ChildState::NeedsAttention;
            return None;
        }
        self.tries.attempt = 0;
        self.tries.forgive();
        if self.kind == Kind::Timer {
            // It keeps its time.
            self.state = ChildState::Ready;
            return None;
        }
        // Its turn comes at the root's next suspension point.
        self.state = ChildState::Queued;
        Some(Effect::Due(Row::Child(seq), 0))
    }
}
