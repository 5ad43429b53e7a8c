//! The state of one run, and small moves of its rows.

use std::collections::BTreeMap;

use super::row::{Held, Lease, Owner, Request, Row, Seq, Tries};
use crate::{Kind, Status};

/// A run as the state machine sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The task itself.
    pub root: Root,
    /// Its calls and timers that have not ended.
    pub open: BTreeMap<Seq, Child>,
}

/// The row of the task itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    /// What it does now.
    pub state: RootState,
    /// What is counted of its leases.
    pub tries: Tries,
    /// Results delivered (or waiting for delivery) so far.
    pub deliveries: u32,
    /// Number of the next call.
    pub next_seq: Seq,
    /// Nobody may claim the run's rows until it is resumed.
    pub paused: bool,
}

/// What a root does.
#[derive(Clone, Debug, PartialEq)]
pub enum RootState {
    /// Its code is to be run from the journal: by whoever claims it, unless the run is paused.
    Ready,
    /// Somebody runs its code.
    Leased(Held),
    /// Its code is suspended until an outcome comes.
    Waiting {
        /// What a person would say it waits for.
        on: Seq,
    },
    /// It ended.
    Ended {
        /// How.
        how: End,
        /// From outside (cancelled, out of time, given up), between two turns of its code.
        stopped: bool,
    },
}

/// A call or timer.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// Call or timer.
    pub kind: Kind,
    /// What it does now.
    pub state: ChildState,
    /// What is counted of its leases.
    pub tries: Tries,
    /// Making it once more after an unknown outcome does no harm.
    pub repeatable: bool,
    /// It may have been made, and must not be made again blindly.
    pub sent: bool,
}

/// What a call or timer does.
#[derive(Clone, Debug, PartialEq)]
pub enum ChildState {
    /// An earlier call of the run must end first, or the run is paused.
    Queued,
    /// Can be claimed (a timer: once it is due).
    Ready,
    /// Somebody makes the call.
    Leased(Held),
    /// It became a run of its own, which says what becomes of it.
    Delegated,
    /// Nobody knows whether it happened: a person decides.
    NeedsAttention,
    /// It ended.
    Ended(Ended),
}

/// How a call or timer ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// With an outcome that the code is told of.
    Outcome {
        /// A result, or an error.
        ok: bool,
        /// Place in the order of deliveries.
        delivery: u32,
    },
    /// Nobody needs it any more; what the end of its run had to do with that, for a retry.
    Cancelled(Option<AtEnd>),
}

/// Why the end of a run cancelled a call or timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// It was open then: a retry opens it again.
    Cut,
    /// The code asked for it in the very turn that ended the run: a retry runs that turn again.
    New,
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

impl Run {
    /// A run that was just submitted.
    pub fn new() -> Self {
        let root = Root {
            state: RootState::Ready,
            tries: Tries::default(),
            deliveries: 0,
            next_seq: 0,
            paused: false,
        };
        Self { root, open: BTreeMap::new() }
    }

    /// Who has a row, if somebody has.
    pub fn held(&self, row: Row) -> Option<(&Held, &Tries)> {
        match row {
            Row::Root => match &self.root.state {
                RootState::Leased(held) => Some((held, &self.root.tries)),
                _ => None,
            },
            Row::Child(seq) => match self.open.get(&seq) {
                Some(Child { state: ChildState::Leased(held), tries, .. }) => Some((held, tries)),
                _ => None,
            },
        }
    }

    /// Whether this is the lease on the row now.
    pub fn holds(&self, row: Row, by: &Lease) -> bool {
        self.held(row).is_some_and(|(held, tries)| {
            tries.epoch == by.epoch && held.owner == Owner::Slot(by.owner.clone())
        })
    }

    /// The run's rows: its root, then its open calls and timers.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        [Row::Root].into_iter().chain(self.open.keys().map(|seq| Row::Child(*seq)))
    }
}

impl Default for Run {
    fn default() -> Self {
        Self::new()
    }
}

impl End {
    /// The word for a run that ended so.
    pub const fn status(self) -> Status {
        match self {
            Self::Completed => Status::Completed,
            Self::Failed => Status::Failed,
            Self::Cancelled => Status::Cancelled,
        }
    }
}

impl Root {
    /// The word for its state.
    pub const fn status(&self) -> Status {
        match self.state {
            RootState::Ready if self.deliveries == 0 => Status::Pending,
            RootState::Ready => Status::PendingResume,
            RootState::Leased(_) => Status::Processing,
            RootState::Waiting { .. } => Status::SuspendedWaitingChild,
            RootState::Ended { how, .. } => how.status(),
        }
    }

    /// Whether nothing can change the run any more.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, RootState::Ended { .. })
    }
}

impl Child {
    /// As it is made in a run that is not paused: a timer runs, a call waits for its turn.
    pub fn new(request: Request) -> Self {
        let (kind, state, repeatable) = match request {
            Request::Call { repeatable } => (Kind::Call, ChildState::Queued, repeatable),
            Request::Timer => (Kind::Timer, ChildState::Ready, true),
        };
        Self { kind, state, tries: Tries::default(), repeatable, sent: false }
    }

    /// The word for its state.
    pub const fn status(&self) -> Status {
        match self.state {
            ChildState::Queued | ChildState::Ready => Status::Pending,
            ChildState::Leased(_) => Status::Processing,
            ChildState::Delegated => Status::SuspendedWaitingChild,
            ChildState::NeedsAttention => Status::NeedsAttention,
            ChildState::Ended(Ended::Outcome { ok: true, .. }) => Status::Completed,
            ChildState::Ended(Ended::Outcome { ok: false, .. }) => Status::Failed,
            ChildState::Ended(Ended::Cancelled(_)) => Status::Cancelled,
        }
    }

    /// Whether it ended.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, ChildState::Ended(_))
    }

    /// A call that is being worked on or can be claimed. One that became a nested run is neither.
    pub fn is_active_call(&self) -> bool {
        let active = |state: &ChildState| {
            use ChildState::{Leased, NeedsAttention, Ready};
            matches!(state, Ready | Leased(_) | NeedsAttention)
        };
        self.kind == Kind::Call && active(&self.state)
    }

    /// Somebody is given it. From now on a call that does harm if it is repeated may have been made.
    pub(super) fn lease(&mut self, owner: impl Into<String>) {
        self.state = ChildState::Leased(Held::by(owner));
        self.tries.lease();
        self.sent |= !self.repeatable;
    }

    /// It ends with an outcome.
    pub(super) fn settle(&mut self, ok: bool, delivery: u32) {
        self.state = ChildState::Ended(Ended::Outcome { ok, delivery });
    }

    pub(super) fn cancel(&mut self) {
        self.state = ChildState::Ended(Ended::Cancelled(None));
        // A holder that comes back late finds another epoch.
        self.tries.epoch += 1;
    }
}
