//! What events have in common: who may write, what a row's end does, and which call comes next.

use super::{
    effect::{Effect, Rejected, Rules},
    event::Teller,
    row::{Lease, Row, Seq},
    state::{AtEnd, Child, ChildState, End, Ended, RootState, Run},
};
use crate::Kind;

impl Run {
    /// Checks the authority to write to a row.
    pub(super) fn check(&self, row: Row, by: &Lease, rules: Rules) -> Result<(), Rejected> {
        if let Row::Child(seq) = row {
            self.open.get(&seq).ok_or(Rejected::Fenced)?;
        }
        if self.holds(row, by) || !rules.fenced { Ok(()) } else { Err(Rejected::Fenced) }
    }

    pub(super) fn child(&mut self, seq: Seq) -> Result<&mut Child, Rejected> {
        self.open.get_mut(&seq).ok_or(Rejected::Fenced)
    }

    /// A child's outcome is known; its root is resumed from the journal.
    pub(super) fn record(
        &mut self,
        seq: Seq,
        by: &Teller,
        ok: bool,
        rules: Rules,
    ) -> Result<Vec<Effect>, Rejected> {
        match by {
            Teller::Holder(lease) => self.check(Row::Child(seq), lease, rules)?,
            Teller::Nested => {
                let delegated = self.child(seq)?.state == ChildState::Delegated;
                if !delegated && rules.fenced {
                    return Err(Rejected::Fenced);
                }
            }
        }
        self.settle(seq, ok);
        Ok(self.ready_root())
    }

    pub(super) fn delegate(
        &mut self,
        seq: Seq,
        by: &Lease,
        rules: Rules,
    ) -> Result<Vec<Effect>, Rejected> {
        self.check(Row::Child(seq), by, rules)?;
        let call = self.child(seq)?;
        call.state = ChildState::Delegated;
        // The run that it became says what became of it.
        call.sent = false;
        // That run has its own sequence, so the next call of this one need not wait.
        Ok(self.promote(None))
    }

    /// Ends a child with its outcome and gives it the next place in the order of deliveries.
    pub(super) fn settle(&mut self, seq: Seq, ok: bool) {
        if let Some(child) = self.open.get_mut(&seq) {
            child.settle(ok, self.root.deliveries);
            self.root.deliveries += 1;
        }
    }

    /// Ends the run; what it left open is cancelled, and late results of it are fenced. It is noted
    /// how to undo that: what is not among `before` was asked for in the turn that ended the run.
    pub(super) fn finish(&mut self, how: End, stopped: bool, before: &[Seq]) -> Vec<Effect> {
        for (seq, child) in &mut self.open {
            match child.state {
                ChildState::Ended(Ended::Outcome { .. }) => continue,
                // In this very turn.
                ChildState::Ended(Ended::Cancelled(_)) => {}
                _ => child.cancel(),
            }
            let at_end = if before.contains(seq) { AtEnd::Cut } else { AtEnd::New };
            child.state = ChildState::Ended(Ended::Cancelled(Some(at_end)));
        }
        self.root.state = RootState::Ended { how, stopped };
        vec![Effect::Finished(how)]
    }

    /// Ends the run between two turns of its code.
    pub(super) fn finish_from_outside(&mut self, how: End) -> Vec<Effect> {
        let open: Vec<Seq> = self.open.keys().copied().collect();
        self.finish(how, true, &open)
    }

    /// Lets the earliest waiting call run, unless one is running; `keep` is given it at once.
    pub(super) fn promote(&mut self, keep: Option<String>) -> Vec<Effect> {
        let running = |c: &Child| c.kind == Kind::Timer && c.state == ChildState::Ready;
        let timers = self.open.values().any(running);
        let mut effects = if timers { vec![Effect::Wake] } else { Vec::new() };
        // A paused run stops at its suspension point: the next call waits until it is resumed.
        if self.root.paused || self.open.values().any(Child::is_active_call) {
            return effects;
        }
        let waiting = |c: &Child| c.kind == Kind::Call && c.state == ChildState::Queued;
        if let Some((seq, call)) = self.open.iter_mut().find(|(_, c)| waiting(c)) {
            effects.push(Effect::Due(Row::Child(*seq), 0));
            if let Some(owner) = keep {
                call.lease(owner);
                effects.push(Effect::Handed(*seq));
            } else {
                call.state = ChildState::Ready;
                effects.push(Effect::Wake);
            }
        }
        effects
    }

    /// After a result was recorded: somebody must resume the root, unless somebody is at it.
    pub(super) fn ready_root(&mut self) -> Vec<Effect> {
        if !matches!(self.root.state, RootState::Waiting { .. }) {
            return Vec::new();
        }
        self.root.state = RootState::Ready;
        vec![Effect::Due(Row::Root, 0), Effect::Wake]
    }
}
