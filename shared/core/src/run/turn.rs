//! A turn of task code, and what it does to its run.

use super::{
    effect::{Effect, Rejected, Rules},
    event::Turn,
    row::{Request, Row, Seq},
    state::{Child, ChildState, RootState, Run},
};
use crate::Kind;

impl Run {
    /// Applies a turn. One that ran on another journal, or in an isolate of another version of the
    /// code, does not count.
    pub(super) fn advance(&mut self, turn: Turn, rules: Rules) -> Result<Vec<Effect>, Rejected> {
        self.check(turn.row, &turn.by, rules)?;
        let root = &self.root;
        let behind = turn.made_at.is_some_and(|epoch| epoch != root.tries.epoch);
        if root.deliveries != turn.deliveries || root.next_seq != turn.calls || behind {
            return Err(Rejected::Outdated);
        }
        let before: Vec<Seq> = self.open.keys().copied().collect();
        if let Row::Child(seq) = turn.row {
            if !matches!(self.root.state, RootState::Waiting { .. }) {
                return Err(Rejected::Outdated);
            }
            self.settle(seq, turn.delivered_ok);
        }
        turn.asked.into_iter().for_each(|request| self.ask(request));
        // What was asked for in this very turn may be among it.
        turn.cleared.into_iter().for_each(|seq| self.clear(seq));
        match turn.end {
            Some(end) => Ok(self.finish(end, false, &before)),
            None => self.suspend(turn.keep),
        }
    }

    fn ask(&mut self, request: Request) {
        let mut child = Child::new(request);
        if self.root.paused {
            child.state = ChildState::Queued;
        }
        self.open.insert(self.root.next_seq, child);
        self.root.next_seq += 1;
    }

    /// The code no longer wants a timer or a call. One that became a run of its own goes on.
    fn clear(&mut self, seq: Seq) {
        if let Some(child) = self.open.get_mut(&seq)
            && child.state != ChildState::Delegated
            && !child.has_ended()
        {
            child.cancel();
        }
    }

    fn suspend(&mut self, keep: Option<String>) -> Result<Vec<Effect>, Rejected> {
        let effects = self.promote(keep);
        let open = self.open.iter().filter(|(_, child)| !child.has_ended());
        // A call before a timer, then the earliest: what a person would say the run waits for.
        let first = open.map(|(seq, child)| (child.kind != Kind::Call, *seq)).min();
        let (_, on) = first.ok_or(Rejected::Deadlock)?;
        self.root.state = RootState::Waiting { on };
        // It went on: what it lost before is no sign of a crash loop.
        self.root.tries.forgive();
        Ok(effects)
    }
}
