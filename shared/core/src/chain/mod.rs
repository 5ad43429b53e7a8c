//! The state machine of one run.
//!
//! A [`Chain`] is the root row of a run and its open (not yet ended) children: host calls and
//! timers. [`transition`] takes a chain and an [`Event`] and answers the chain after it and what
//! must happen outside. It knows neither values nor clocks; the store loads the rows under a lock,
//! calls it, and writes the rows that changed, all in one transaction.
//!
//! Rules it keeps:
//! * calls of a run are worked on one at a time, in the order they were made; timers run beside;
//! * a write counts only from the holder of the row's lease, at the row's epoch;
//! * a row that ended never changes again, so a result is recorded once;
//! * an open run always has a row that somebody can claim, a row that somebody holds, a timer, a
//!   nested run, or a row that waits for a person: it is never stuck. A paused run is as open as
//!   before, but nobody can claim its rows.

mod control;
mod rules;
mod turn;

use std::collections::BTreeMap;

use crate::{Kind, Status};
pub use turn::Turn;

/// Number of a host call or timer in its run, from 0 in the order they were made.
pub type Seq = u32;

/// A run as the state machine sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The task itself.
    pub root: Root,
    /// Its calls and timers that have not ended.
    pub open: BTreeMap<Seq, Child>,
}

/// Control columns of the root row.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    /// State.
    pub status: Status,
    /// The child it waits for, while suspended.
    pub waiting_on: Option<Seq>,
    /// The lease on it, while processing.
    pub lease: Lease,
    /// Results delivered (or waiting for delivery) so far.
    pub deliveries: u32,
    /// Number of the next call.
    pub next_seq: Seq,
    /// Nobody may claim its rows until it is resumed.
    pub paused: bool,
    /// It was ended from outside (cancelled, out of time), between two turns of its code.
    pub stopped: bool,
}

/// Control columns of a call or timer.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// Call or timer.
    pub kind: Kind,
    /// State.
    pub status: Status,
    /// False while an earlier call of the run must end first.
    pub runnable: bool,
    /// The lease on it, while processing.
    pub lease: Lease,
    /// Place in the order of deliveries, once it ended with an outcome.
    pub delivery: Option<u32>,
    /// What the end of its run did to it, for a retry.
    pub at_end: Option<AtEnd>,
    /// It may have happened and must not be repeated blindly.
    pub unsure: bool,
}

/// Why the end of a run cancelled a call or timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// It was open then: a retry opens it again.
    Cut,
    /// The code asked for it in the very turn that ended the run: a retry runs that turn again.
    New,
}

/// Fencing number of a row and who holds it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lease {
    /// Grows with each claim.
    pub epoch: i64,
    /// Slot name of the holder.
    pub owner: Option<String>,
}

/// On whose authority an event happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Holder {
    /// The holder of the root's lease.
    Root(Lease),
    /// The holder of a child's lease.
    Child(Seq, Lease),
    /// The run nested below this call ended.
    Nested(Seq),
}

/// Something that happened to a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Task code ran to its next quiet point.
    Advanced(Turn),
    /// A child's outcome is known and no isolate was there to take it.
    Recorded {
        /// The child's holder, or its nested run.
        by: Holder,
        /// Whether the outcome was a success.
        ok: bool,
    },
    /// A call became a run of its own; the call waits for it.
    Delegated {
        /// The call's holder.
        by: Holder,
    },
    /// A holder gives its row back, to be claimed again.
    Released {
        /// The row's holder.
        by: Holder,
    },
    /// Whoever was asked does not know whether the call happened, and will not: a person decides.
    Doubted {
        /// The call's holder.
        by: Holder,
    },
    /// A person says what became of a call that waits for one.
    Resolved {
        /// The call.
        seq: Seq,
        /// What became of it.
        how: Resolved,
    },
    /// The run is ended from outside, whatever it was doing.
    Stopped {
        /// How.
        end: End,
    },
    /// Its rows may not be claimed until it is resumed.
    Paused,
    /// Its rows may be claimed again.
    Unpaused,
    /// Another version of the code is to go on with the run: a replay of so many outcomes of so
    /// many calls has shown that it makes the same calls.
    Upgraded {
        /// Outcomes that were replayed.
        deliveries: u32,
        /// Calls and timers that were compared.
        calls: Seq,
    },
    /// A run that ended without a result goes on from its last failed step. The chain holds what
    /// that end cut off, and the last outcome.
    Retried,
}

/// What a person decided about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// It has this outcome; whether that is a success.
    Outcome(bool),
    /// It is sent again.
    Again,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It returned.
    Completed,
    /// It threw, or broke a limit.
    Failed,
    /// Somebody did not want it any more.
    Cancelled,
}

/// What must happen outside the chain.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A row can be claimed: tell a processor.
    Wake,
    /// The call is leased to the processor that asked for it.
    Handed(Seq),
    /// The run ended.
    Finished(End),
}

/// Why an event does not count. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The lease was lost: another holder works on the row, or it ended.
    #[error("the lease on this row was lost")]
    Fenced,
    /// The code ran on an older journal than the recorded one.
    #[error("the journal has grown since this code ran")]
    Outdated,
    /// The code is quiet, has not ended and waits for nothing.
    #[error("the task waits for nothing that can happen")]
    Deadlock,
    /// The run ended before.
    #[error("the run has already ended: {0}")]
    Ended(crate::Status),
    /// Only a run that ended without a result can be tried again.
    #[error("only a run that failed or was cancelled can be retried; this one is {0}")]
    NotFailed(crate::Status),
    /// The code is between two quiet points.
    #[error("the task's code is running this very moment: try again")]
    Busy,
    /// The call does not wait for a person.
    #[error("this call does not wait for a person: it is not needs_attention")]
    NotWaiting,
}

/// What the state machine insists on. Everything, but in experiments that must notice what is
/// missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A write counts only under the lease that its row has now.
    pub fenced: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { fenced: true }
    }
}

/// Applies `event` to `chain` under `rules`.
pub fn transition(
    chain: &Chain,
    event: Event,
    rules: Rules,
) -> Result<(Chain, Vec<Effect>), Rejected> {
    let mut next = chain.clone();
    let effects = match event {
        Event::Advanced(turn) => next.advance(chain, turn, rules)?,
        Event::Recorded { by, ok } => {
            let seq = next.check(&by, rules)?.ok_or(Rejected::Fenced)?;
            next.settle(seq, ok);
            next.ready_root()
        }
        Event::Delegated { by } => {
            let seq = next.check(&by, rules)?.ok_or(Rejected::Fenced)?;
            let call = next.child(seq)?;
            call.status = Status::SuspendedWaitingChild;
            call.lease.owner = None;
            // The run that it became says what became of it.
            call.unsure = false;
            // The nested run has its own sequence, so the next call of this one need not wait.
            next.promote(None)
        }
        Event::Released { by } => {
            match next.check(&by, rules)? {
                Some(seq) => next.release_child(seq)?,
                None => next.root.release(),
            }
            vec![Effect::Wake]
        }
        Event::Doubted { by } => next.doubt(&by, rules)?,
        Event::Resolved { seq, how } => next.resolve(seq, how)?,
        Event::Stopped { end } => next.stop(end)?,
        Event::Paused => next.pause()?,
        Event::Unpaused => next.unpause()?,
        Event::Upgraded { deliveries, calls } => next.upgrade(deliveries, calls)?,
        Event::Retried => next.retry()?,
    };
    Ok((next, effects))
}
