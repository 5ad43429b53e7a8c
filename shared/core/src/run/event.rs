//! What happens to a run, what must happen outside because of it, and why it may not count.

use super::{
    state::{End, Seq},
    turn::Turn,
};

/// One row of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// The task itself.
    Root,
    /// A call or timer.
    Child(Seq),
}

/// The right to write to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The row's fencing number when it was given.
    pub epoch: i64,
    /// Slot name of the holder.
    pub owner: String,
}

/// Who tells the outcome of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Teller {
    /// Its holder.
    Holder(Lease),
    /// The run that it became.
    Nested,
}

/// A call or timer that task code asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// A host call.
    Call {
        /// Making it once more after an unknown outcome does no harm.
        repeatable: bool,
    },
    /// A durable `setTimeout`.
    Timer,
}

/// Something that happened to a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Somebody is given a row that was ready, and due.
    Claimed {
        /// The row.
        row: Row,
        /// Slot name of the holder to be.
        owner: String,
    },
    /// A person is given a call that waits for one.
    AttentionClaimed {
        /// The call.
        seq: Seq,
        /// Name of the holder to be.
        owner: String,
    },
    /// Task code ran to its next suspension point.
    Advanced(Turn),
    /// A child's outcome is known and no isolate was there to take it.
    Recorded {
        /// The call or timer.
        seq: Seq,
        /// Who says so.
        by: Teller,
        /// Whether the outcome was a success.
        ok: bool,
    },
    /// A call became a run of its own; the call waits for it.
    Delegated {
        /// The call.
        seq: Seq,
        /// Its holder.
        by: Lease,
    },
    /// A holder gives its row back, to be claimed again.
    Released {
        /// The row.
        row: Row,
        /// Its holder.
        by: Lease,
        /// So many milliseconds later.
        after_ms: i64,
    },
    /// Whoever worked on a row for its holder died: the lease is to count as lost.
    Abandoned {
        /// The row.
        row: Row,
        /// Its holder.
        by: Lease,
        /// So many rows were in flight there, and share the blame.
        in_flight: u32,
        /// So many milliseconds later.
        after_ms: i64,
    },
    /// The holder lets nothing else run where this row does.
    Isolated {
        /// The row.
        row: Row,
        /// Its holder.
        by: Lease,
    },
    /// The holder of a row is not known to live any more.
    LeaseLost(Loss),
    /// Whoever was asked does not know whether the call happened, and will not: a person decides.
    Doubted {
        /// The call.
        seq: Seq,
        /// Its holder.
        by: Lease,
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
    /// A run that ended without a result goes on from its last failed step. The run holds what
    /// that end cut off, and the last outcome.
    Retried,
}

/// A lease that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The row.
    pub row: Row,
    /// Its epoch under that lease.
    pub epoch: i64,
    /// What is known of the holder's end.
    pub death: Death,
    /// Any number of the row's own: rows that were lost together are not tried again together.
    pub spread: i64,
}

/// What is known of a holder's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// It was not heard of for too long.
    Silent,
    /// It was started again, and had held so many rows.
    Restarted {
        /// Rows, of all runs.
        held: u32,
    },
    /// It is started again and again, whatever it holds.
    CrashLoop,
}

/// What a person decided about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// It has this outcome; whether that is a success.
    Outcome(bool),
    /// It is sent again.
    Again,
}

/// What must happen outside the run.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A row can be claimed: tell a processor.
    Wake,
    /// From so many milliseconds on a row may be claimed; an abandoned one counts as lost then.
    Due(Row, i64),
    /// The call is leased to the processor that asked for it.
    Handed(Seq),
    /// A row is not tried any more: whoever worked on it died, so often in a row. A call ended with
    /// that as its error, anything else ended its run with it.
    GivenUp(Row, u32),
    /// The run ended.
    Finished(End),
}

/// Why an event does not count. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The lease was lost: another holder works on the row, or it ended.
    #[error("the lease on this row was lost")]
    Fenced,
    /// The row cannot be claimed as it is.
    #[error("this row is not ready to be claimed")]
    NotReady,
    /// A run's root has no outcome of its own and becomes no other run.
    #[error("this row is the root of a run, not one of its calls")]
    NotACall,
    /// The code ran on an older journal than the recorded one.
    #[error("the journal has grown since this code ran")]
    Outdated,
    /// The code is suspended, has not ended and waits for nothing.
    #[error("the task waits for nothing that can happen")]
    Deadlock,
    /// The run ended before.
    #[error("the run has already ended: {0}")]
    Ended(crate::Status),
    /// Only a run that ended without a result can be tried again.
    #[error("only a run that failed or was cancelled can be retried; this one is {0}")]
    NotFailed(crate::Status),
    /// The code is between two suspension points.
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
    /// A row that keeps losing its holders is given up.
    pub gives_up: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { fenced: true, gives_up: true }
    }
}
