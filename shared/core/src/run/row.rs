//! One row of a run: which it is, who has it, and what is counted of that.

/// Number of a host call or timer in its run, from 0 in the order they were made.
pub type Seq = u32;

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

/// Who has a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The holder.
    pub owner: Owner,
    /// Among how many rows the blame is shared if the lease is lost, if that is known beforehand.
    pub in_flight: Option<u32>,
}

/// A holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The processor of this slot.
    Slot(String),
    /// Whoever had it gave it up for lost.
    Nobody,
}

/// What is counted of a row's leases.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tries {
    /// Fencing number: grows with each lease.
    pub epoch: i64,
    /// Leases so far.
    pub attempt: u32,
    /// Leases lost in a row.
    pub crashes: u32,
    /// What it bears of the blame for those.
    pub blame: i64,
}

impl Tries {
    /// Somebody is given the row.
    pub(super) fn lease(&mut self) {
        self.epoch += 1;
        self.attempt += 1;
    }

    /// Nothing of what was lost counts any more.
    pub(super) fn forgive(&mut self) {
        (self.crashes, self.blame) = (0, 0);
    }
}

impl Held {
    /// By the processor of a slot.
    pub fn by(owner: impl Into<String>) -> Self {
        Self { owner: Owner::Slot(owner.into()), in_flight: None }
    }
}
