//! Who may take a row.
//!
//! Claims are on the path of every run, so the store makes them with one statement, without a look
//! at the rest of the run: it is this decision in advance, as a [`Step`](super::step::Step) is. A
//! row says by itself whether it can be claimed, and a claim changes no other row.

use super::{
    effect::{Effect, Rejected},
    row::{Held, Row, Seq},
    state::{ChildState, RootState, Run},
};

impl Run {
    /// Whether a row can be claimed, once it is due.
    pub fn is_ready(&self, row: Row) -> bool {
        match row {
            Row::Root => !self.root.paused && self.root.state == RootState::Ready,
            Row::Child(seq) => self.open.get(&seq).is_some_and(|c| c.state == ChildState::Ready),
        }
    }

    pub(super) fn claim(&mut self, row: Row, owner: String) -> Result<Vec<Effect>, Rejected> {
        if !self.is_ready(row) {
            return Err(Rejected::NotReady);
        }
        match row {
            Row::Root => {
                self.root.state = RootState::Leased(Held::by(owner));
                self.root.tries.lease();
            }
            Row::Child(seq) => self.child(seq)?.lease(owner),
        }
        Ok(Vec::new())
    }

    pub(super) fn claim_attention(
        &mut self,
        seq: Seq,
        owner: String,
    ) -> Result<Vec<Effect>, Rejected> {
        let waits = |state: &ChildState| *state == ChildState::NeedsAttention;
        let call = self.open.get_mut(&seq).filter(|call| waits(&call.state));
        let call = call.ok_or(Rejected::NotWaiting)?;
        call.state = ChildState::Leased(Held::by(owner));
        call.tries.lease();
        Ok(Vec::new())
    }
}
