//! Leases given back, given up and lost.

use super::{
    blame,
    effect::{Effect, Rejected, Rules},
    event::{Death, Loss},
    row::{Held, Lease, Owner, Row, Seq, Tries},
    state::{ChildState, End, RootState, Run},
};
use crate::Kind;

impl Run {
    /// A holder gives a row back.
    pub(super) fn release(&mut self, row: Row, after_ms: i64) -> Result<Vec<Effect>, Rejected> {
        match row {
            Row::Root => self.root.state = RootState::Ready,
            Row::Child(seq) => self.open_again(seq)?,
        }
        Ok(vec![Effect::Due(row, after_ms), Effect::Wake])
    }

    /// The earliest open call can be claimed again, so it is the one that goes on; or any timer.
    pub(super) fn open_again(&mut self, seq: Seq) -> Result<(), Rejected> {
        let paused = self.root.paused;
        let child = self.child(seq)?;
        child.state = if paused { ChildState::Queued } else { ChildState::Ready };
        child.sent = false;
        Ok(())
    }

    pub(super) fn abandon(
        &mut self,
        row: Row,
        by: &Lease,
        in_flight: u32,
        after_ms: i64,
    ) -> Result<Vec<Effect>, Rejected> {
        let (held, tries) = self.held_mut(row)?;
        let known = [Owner::Slot(by.owner.clone()), Owner::Nobody];
        if tries.epoch != by.epoch || !known.contains(&held.owner) {
            return Err(Rejected::Fenced);
        }
        *held = Held { owner: Owner::Nobody, in_flight: Some(in_flight) };
        Ok(vec![Effect::Due(row, after_ms)])
    }

    /// If the lease is lost from now on, nobody else is to blame.
    pub(super) fn isolate(&mut self, row: Row) -> Result<Vec<Effect>, Rejected> {
        self.held_mut(row)?.0.in_flight = Some(1);
        Ok(Vec::new())
    }

    /// The row is tried again after a pause, unless it bears enough of the blame, or may have
    /// happened: then a person is asked.
    pub(super) fn lose(&mut self, loss: Loss, rules: Rules) -> Result<Vec<Effect>, Rejected> {
        let (held, tries) = self.held_mut(loss.row)?;
        if tries.epoch != loss.epoch {
            return Err(Rejected::Fenced);
        }
        let pause = blame::pause_ms(tries.crashes, loss.spread);
        tries.epoch += 1;
        tries.crashes += 1;
        tries.blame += blame_of(loss.death, held.in_flight);
        let crashes = tries.crashes;
        let given_up = rules.gives_up && blame::given_up(crashes, tries.blame);
        if let Row::Child(seq) = loss.row {
            let child = self.child(seq)?;
            if child.sent {
                child.state = ChildState::NeedsAttention;
                return Ok(Vec::new());
            }
        }
        if given_up {
            let mut effects = self.give_up(loss.row);
            effects.push(Effect::GivenUp(loss.row, crashes));
            return Ok(effects);
        }
        self.release(loss.row, pause)
    }

    /// A call fails with that, which its task may catch; anything else ends its run.
    fn give_up(&mut self, row: Row) -> Vec<Effect> {
        match row {
            Row::Child(seq) if self.open.get(&seq).is_some_and(|c| c.kind == Kind::Call) => {
                self.settle(seq, false);
                self.ready_root()
            }
            _ => self.finish_from_outside(End::Failed),
        }
    }

    fn held_mut(&mut self, row: Row) -> Result<(&mut Held, &mut Tries), Rejected> {
        match row {
            Row::Root => match &mut self.root.state {
                RootState::Leased(held) => Ok((held, &mut self.root.tries)),
                _ => Err(Rejected::Fenced),
            },
            Row::Child(seq) => {
                let child = self.child(seq)?;
                match &mut child.state {
                    ChildState::Leased(held) => Ok((held, &mut child.tries)),
                    _ => Err(Rejected::Fenced),
                }
            }
        }
    }
}

/// What a row bears of its holder's death; `noted`: among how many it is shared, if that was known
/// beforehand.
fn blame_of(death: Death, noted: Option<u32>) -> i64 {
    match death {
        Death::Silent => blame::share(noted),
        Death::Restarted { held } => blame::share(noted.or(Some(held))),
        // Nothing was to blame for being alone.
        Death::CrashLoop => blame::share(None),
    }
}
