//! The columns in which a row of a run keeps its state, both ways. This is the one place that knows
//! how the words of the database and the state machine's types say the same.

use tasker_core::{
    Kind, Status,
    run::{AtEnd, Child, ChildState, End, Ended, Held, Owner, Root, RootState, Seq, Tries},
};

use crate::{Result, StoreError, Value, value::Row};

/// Owner of a row that was given up for lost: a name that never lives.
const NOBODY: &str = "nobody";
/// What the end of its run did to a row.
const CUT: &str = "cut";
const NEW: &str = "new";
/// A run that was ended from outside.
const STOPPED: &str = "stopped";

/// A row's control columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    pub status: Status,
    pub runnable: bool,
    pub tries: Tries,
    pub lease_owner: Option<String>,
    pub in_flight: Option<u32>,
    pub sent: bool,
    pub delivery: Option<u32>,
    pub at_end: Option<String>,
    pub deliveries: u32,
    pub next_seq: u32,
    pub waiting_on: Option<Seq>,
}

impl Columns {
    fn new(status: Status, runnable: bool, tries: &Tries, held: Option<&Held>) -> Self {
        Self {
            status,
            runnable,
            tries: tries.clone(),
            lease_owner: held.map(|held| match &held.owner {
                Owner::Slot(name) => name.clone(),
                Owner::Nobody => NOBODY.to_owned(),
            }),
            in_flight: held.and_then(|held| held.in_flight),
            sent: false,
            delivery: None,
            at_end: None,
            deliveries: 0,
            next_seq: 0,
            waiting_on: None,
        }
    }

    /// A root's.
    pub fn of_root(root: &Root) -> Self {
        let held = if let RootState::Leased(held) = &root.state { Some(held) } else { None };
        let mut columns = Self::new(root.status(), !root.paused, &root.tries, held);
        (columns.deliveries, columns.next_seq) = (root.deliveries, root.next_seq);
        match root.state {
            RootState::Waiting { on } => columns.waiting_on = Some(on),
            RootState::Ended { stopped: true, .. } => columns.at_end = Some(STOPPED.to_owned()),
            _ => {}
        }
        columns
    }

    /// A call's or timer's, in a run that is paused or not.
    pub fn of_child(child: &Child, paused: bool) -> Self {
        let held = if let ChildState::Leased(held) = &child.state { Some(held) } else { None };
        let runnable = match child.state {
            ChildState::Queued => false,
            ChildState::Ready | ChildState::Ended(_) => true,
            _ => !paused,
        };
        let mut columns = Self::new(child.status(), runnable, &child.tries, held);
        columns.sent = child.sent;
        match child.state {
            ChildState::Ended(Ended::Outcome { delivery, .. }) => columns.delivery = Some(delivery),
            ChildState::Ended(Ended::Cancelled(at_end)) => {
                columns.at_end = at_end.map(|at_end| match at_end {
                    AtEnd::Cut => CUT.to_owned(),
                    AtEnd::New => NEW.to_owned(),
                });
            }
            _ => {}
        }
        columns
    }

    /// Reads `status` and what follows it, as statements that load runs answer.
    pub fn read(r: &mut Row) -> Result<Self> {
        let (status, runnable, epoch) = (r.status()?, r.bool()?, r.int()?);
        let (lease_owner, in_flight) = (r.maybe_text()?, maybe_count(r)?);
        let (attempt, crashes, blame) = (r.count()?, r.count()?, r.int()?);
        let (sent, delivery, at_end) = (r.bool()?, maybe_count(r)?, r.maybe_text()?);
        let (deliveries, next_seq, waiting_on) = (r.count()?, r.count()?, maybe_count(r)?);
        let tries = Tries { epoch, attempt, crashes, blame };
        Ok(Self {
            status,
            runnable,
            tries,
            lease_owner,
            in_flight,
            sent,
            delivery,
            at_end,
            deliveries,
            next_seq,
            waiting_on,
        })
    }

    /// The root whose columns these are.
    pub fn root(self) -> Result<Root> {
        let stopped = self.at_end.is_some();
        let state = match self.status {
            Status::Pending | Status::PendingResume => RootState::Ready,
            Status::Processing => RootState::Leased(self.held()?),
            Status::SuspendedWaitingChild => RootState::Waiting {
                on: self.waiting_on.ok_or_else(|| corrupt("no row waited for"))?,
            },
            Status::Completed => RootState::Ended { how: End::Completed, stopped },
            Status::Failed => RootState::Ended { how: End::Failed, stopped },
            Status::Cancelled => RootState::Ended { how: End::Cancelled, stopped },
            Status::NeedsAttention => return Err(corrupt("a root waits for a person")),
        };
        let (deliveries, next_seq, paused) = (self.deliveries, self.next_seq, !self.runnable);
        Ok(Root { state, tries: self.tries, deliveries, next_seq, paused })
    }

    /// The call or timer whose columns these are.
    pub fn child(self, kind: Kind, repeatable: bool) -> Result<Child> {
        let outcome = |ok| -> Result<ChildState> {
            let delivery = self.delivery.ok_or_else(|| corrupt("an outcome without a place"))?;
            Ok(ChildState::Ended(Ended::Outcome { ok, delivery }))
        };
        let state = match self.status {
            Status::Pending if self.runnable => ChildState::Ready,
            Status::Pending => ChildState::Queued,
            Status::Processing => ChildState::Leased(self.held()?),
            Status::SuspendedWaitingChild => ChildState::Delegated,
            Status::NeedsAttention => ChildState::NeedsAttention,
            Status::Completed => outcome(true)?,
            Status::Failed => outcome(false)?,
            Status::Cancelled => {
                ChildState::Ended(Ended::Cancelled(match self.at_end.as_deref() {
                    Some(CUT) => Some(AtEnd::Cut),
                    Some(NEW) => Some(AtEnd::New),
                    _ => None,
                }))
            }
            Status::PendingResume => return Err(corrupt("a call is to be resumed")),
        };
        Ok(Child { kind, state, tries: self.tries, repeatable, sent: self.sent })
    }

    fn held(&self) -> Result<Held> {
        let owner = match self.lease_owner.as_deref() {
            Some(NOBODY) => Owner::Nobody,
            Some(name) => Owner::Slot(name.to_owned()),
            None => return Err(corrupt("a lease without a holder")),
        };
        Ok(Held { owner, in_flight: self.in_flight })
    }

    /// `status` to `blame`, in the order of the statements that save rows.
    pub fn values(&self) -> [Value; 8] {
        [
            self.status.into(),
            self.runnable.into(),
            self.tries.epoch.into(),
            self.lease_owner.clone().into(),
            self.in_flight.into(),
            self.tries.attempt.into(),
            self.tries.crashes.into(),
            self.tries.blame.into(),
        ]
    }
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(what.to_owned())
}

fn maybe_count(r: &mut Row) -> Result<Option<u32>> {
    let n = r.maybe_int()?.map(u32::try_from);
    n.transpose().map_err(|e| StoreError::Corrupt(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> [Held; 2] {
        [Held::by("p"), Held { owner: Owner::Nobody, in_flight: Some(4) }]
    }

    fn roots() -> Vec<Root> {
        let ends = [End::Completed, End::Failed, End::Cancelled];
        let ended = |how| [true, false].map(|stopped| RootState::Ended { how, stopped });
        let states = [RootState::Ready, RootState::Waiting { on: 3 }]
            .into_iter()
            .chain(held().map(RootState::Leased))
            .chain(ends.into_iter().flat_map(ended));
        let tries = Tries { epoch: 7, attempt: 5, crashes: 2, blame: 750 };
        let root = |state| {
            [(0, false), (2, false), (2, true)].map(|(deliveries, paused)| Root {
                state: RootState::clone(&state),
                tries: tries.clone(),
                deliveries,
                next_seq: 4,
                paused,
            })
        };
        states.flat_map(root).collect()
    }

    fn children() -> Vec<Child> {
        let ended = [
            Ended::Outcome { ok: true, delivery: 0 },
            Ended::Outcome { ok: false, delivery: 9 },
            Ended::Cancelled(None),
            Ended::Cancelled(Some(AtEnd::Cut)),
            Ended::Cancelled(Some(AtEnd::New)),
        ];
        let plain = [
            ChildState::Queued,
            ChildState::Ready,
            ChildState::Delegated,
            ChildState::NeedsAttention,
        ];
        let states = plain
            .into_iter()
            .chain(held().map(ChildState::Leased))
            .chain(ended.map(ChildState::Ended));
        let child = |state: ChildState| {
            [(Kind::Call, false, true), (Kind::Timer, true, false)].map(
                |(kind, repeatable, sent)| {
                    let tries = Tries { epoch: 3, attempt: 2, crashes: 1, blame: 250 };
                    Child { kind, state: state.clone(), tries, repeatable, sent }
                },
            )
        };
        states.flat_map(child).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for root in roots() {
            assert_eq!(Columns::of_root(&root).root().unwrap(), root);
        }
        for child in children() {
            for paused in [false, true] {
                let columns = Columns::of_child(&child, paused);
                let held = columns.lease_owner.is_some();
                assert_eq!(held, columns.status == Status::Processing, "{columns:?}");
                assert_eq!(columns.child(child.kind, child.repeatable).unwrap(), child);
            }
        }
    }

    #[test]
    fn what_no_state_says_is_corrupt() {
        let root = Columns::of_root(&roots()[0]);
        for status in [Status::Processing, Status::SuspendedWaitingChild, Status::NeedsAttention] {
            assert!(Columns { status, ..root.clone() }.root().is_err(), "{status}");
        }
        let child = Columns::of_child(&children()[0], false);
        for status in [Status::Processing, Status::Completed, Status::PendingResume] {
            let columns = Columns { status, ..child.clone() };
            assert!(columns.child(Kind::Call, false).is_err(), "{status}");
        }
    }
}
