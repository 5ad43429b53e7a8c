//! What happens to a run.

use super::{
    row::{Lease, Request, Row, Seq},
    state::End,
};

/// Who tells the outcome of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Teller {
    /// Its holder.
    Holder(Lease),
    /// The run that it became.
    Nested,
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

/// What task code did up to its next suspension point.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The row under whose lease it ran; a child's outcome was delivered to the code.
    pub row: Row,
    /// That lease.
    pub by: Lease,
    /// Results the code had been given before that one.
    pub deliveries: u32,
    /// Calls and timers it had made before.
    pub calls: Seq,
    /// Epoch of the root's lease under which this isolate was made, if that is known. One that
    /// is older than the root's last claim may be of another version of the code.
    pub made_at: Option<i64>,
    /// Whether the delivered outcome was a success.
    pub delivered_ok: bool,
    /// What it asked for, in order.
    pub asked: Vec<Request>,
    /// Timers it cleared, and calls it aborted.
    pub cleared: Vec<Seq>,
    /// How the task ended, if it did.
    pub end: Option<End>,
    /// The processor that takes the next call at once.
    pub keep: Option<String>,
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
