//! A turn of task code, and what it does to its run.

use super::{Chain, Effect, End, Holder, Rejected, Rules, Seq};
use crate::{Kind, Status};

/// What task code did up to its next quiet point.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The lease it ran under; a child's: that child's outcome was delivered to the code.
    pub by: Holder,
    /// Results the code had been given before `by`'s.
    pub deliveries: u32,
    /// Calls and timers it had made before.
    pub calls: Seq,
    /// Epoch of the root's lease under which this isolate was made, if that is known. One that
    /// is older than the root's last claim may be of another version of the code.
    pub made_at: Option<i64>,
    /// Whether the delivered outcome was a success.
    pub delivered_ok: bool,
    /// What it asked for, in order.
    pub asked: Vec<Kind>,
    /// Timers it cleared, and calls it aborted.
    pub cleared: Vec<Seq>,
    /// How the task ended, if it did.
    pub end: Option<End>,
    /// The processor that takes the next call at once.
    pub keep: Option<String>,
}

impl Chain {
    /// Applies a turn to the run as it was `before`. One that ran on another journal, or in an
    /// isolate of another version of the code, does not count.
    pub(super) fn advance(
        &mut self,
        before: &Chain,
        turn: Turn,
        rules: Rules,
    ) -> Result<Vec<Effect>, Rejected> {
        self.check(&turn.by, rules)?;
        let behind = turn.made_at.is_some_and(|epoch| epoch != self.root.lease.epoch);
        if self.root.deliveries != turn.deliveries || self.root.next_seq != turn.calls || behind {
            return Err(Rejected::Outdated);
        }
        if let Holder::Child(seq, _) = turn.by {
            if self.root.status != Status::SuspendedWaitingChild {
                return Err(Rejected::Outdated);
            }
            self.settle(seq, turn.delivered_ok);
        }
        turn.asked.into_iter().for_each(|kind| self.ask(kind));
        // What was asked for in this very turn may be among it.
        turn.cleared.into_iter().for_each(|seq| self.clear(seq));
        match turn.end {
            Some(end) => Ok(self.finish_after(before, end)),
            None => self.suspend(turn.keep),
        }
    }
}
