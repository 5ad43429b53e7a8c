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
//!   nested run, or a row that waits for a person: it is never stuck.

use std::collections::BTreeMap;

use crate::{Kind, Status};

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
    Advanced {
        /// The lease it ran under; a child's: that child's outcome was delivered to the code.
        by: Holder,
        /// Results the code had been given before `by`'s.
        deliveries: u32,
        /// Calls and timers it had made before.
        calls: Seq,
        /// Whether the delivered outcome was a success.
        delivered_ok: bool,
        /// What it asked for, in order.
        asked: Vec<Kind>,
        /// Timers it cleared.
        cleared: Vec<Seq>,
        /// How the task ended, if it did.
        end: Option<End>,
        /// The processor that takes the next call at once.
        keep: Option<String>,
    },
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
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It returned.
    Completed,
    /// It threw, or broke a limit.
    Failed,
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
}

/// Applies `event` to `chain`.
pub fn transition(chain: &Chain, event: Event) -> Result<(Chain, Vec<Effect>), Rejected> {
    let mut next = chain.clone();
    let effects = match event {
        Event::Advanced { by, deliveries, calls, delivered_ok, asked, cleared, end, keep } => {
            next.check(&by)?;
            if next.root.deliveries != deliveries || next.root.next_seq != calls {
                return Err(Rejected::Outdated);
            }
            if let Holder::Child(seq, _) = by {
                if next.root.status != Status::SuspendedWaitingChild {
                    return Err(Rejected::Outdated);
                }
                next.settle(seq, delivered_ok);
            }
            cleared.into_iter().for_each(|seq| next.clear_timer(seq));
            asked.into_iter().for_each(|kind| next.ask(kind));
            match end {
                Some(end) => next.finish(end),
                None => next.suspend(keep)?,
            }
        }
        Event::Recorded { by, ok } => {
            let seq = next.check(&by)?.ok_or(Rejected::Fenced)?;
            next.settle(seq, ok);
            next.ready_root()
        }
        Event::Delegated { by } => {
            let seq = next.check(&by)?.ok_or(Rejected::Fenced)?;
            let call = next.child(seq)?;
            call.status = Status::SuspendedWaitingChild;
            call.lease.owner = None;
            // The nested run has its own sequence, so the next call of this one need not wait.
            next.promote(None)
        }
        Event::Released { by } => {
            match next.check(&by)? {
                Some(seq) => next.child(seq)?.release(),
                None => next.root.release(),
            }
            vec![Effect::Wake]
        }
    };
    Ok((next, effects))
}

impl Chain {
    /// Checks the authority; answers the child it is about, or `None` for the root.
    fn check(&mut self, by: &Holder) -> Result<Option<Seq>, Rejected> {
        let (seq, good) = match by {
            Holder::Root(lease) => {
                (None, self.root.status == Status::Processing && self.root.lease == *lease)
            }
            Holder::Child(seq, lease) => {
                let child = self.child(*seq)?;
                (Some(*seq), child.status == Status::Processing && child.lease == *lease)
            }
            Holder::Nested(seq) => {
                (Some(*seq), self.child(*seq)?.status == Status::SuspendedWaitingChild)
            }
        };
        if good { Ok(seq) } else { Err(Rejected::Fenced) }
    }

    fn child(&mut self, seq: Seq) -> Result<&mut Child, Rejected> {
        self.open.get_mut(&seq).ok_or(Rejected::Fenced)
    }

    /// Ends a child with its outcome and gives it the next place in the order of deliveries.
    fn settle(&mut self, seq: Seq, ok: bool) {
        if let Some(child) = self.open.get_mut(&seq) {
            child.status = if ok { Status::Completed } else { Status::Failed };
            child.lease.owner = None;
            child.delivery = Some(self.root.deliveries);
            self.root.deliveries += 1;
        }
    }

    fn clear_timer(&mut self, seq: Seq) {
        if let Some(child) = self.open.get_mut(&seq)
            && child.kind == Kind::Timer
            && !child.status.is_terminal()
        {
            child.cancel();
        }
    }

    fn ask(&mut self, kind: Kind) {
        let child = Child {
            kind,
            status: Status::Pending,
            runnable: kind == Kind::Timer,
            lease: Lease::default(),
            delivery: None,
        };
        self.open.insert(self.root.next_seq, child);
        self.root.next_seq += 1;
    }

    /// Ends the run; what it left open is cancelled, and late results of it are fenced.
    fn finish(&mut self, end: End) -> Vec<Effect> {
        self.open.values_mut().filter(|c| !c.status.is_terminal()).for_each(Child::cancel);
        self.root.status = match end {
            End::Completed => Status::Completed,
            End::Failed => Status::Failed,
        };
        self.root.waiting_on = None;
        self.root.lease.owner = None;
        vec![Effect::Finished(end)]
    }

    fn suspend(&mut self, keep: Option<String>) -> Result<Vec<Effect>, Rejected> {
        let effects = self.promote(keep);
        let waits_for = |(seq, child): (&Seq, &Child)| {
            (!child.status.is_terminal()).then_some((child.kind != Kind::Call, *seq))
        };
        // A call before a timer, then the earliest: what a person would say the run waits for.
        let (_, seq) = self.open.iter().filter_map(waits_for).min().ok_or(Rejected::Deadlock)?;
        self.root.status = Status::SuspendedWaitingChild;
        self.root.waiting_on = Some(seq);
        self.root.lease.owner = None;
        Ok(effects)
    }

    /// Lets the earliest waiting call run, unless one is running.
    fn promote(&mut self, keep: Option<String>) -> Vec<Effect> {
        let timers = self.open.values().any(|c| c.kind == Kind::Timer && c.is_ready());
        let mut effects = if timers { vec![Effect::Wake] } else { Vec::new() };
        if self.open.values().any(Child::is_active_call) {
            return effects;
        }
        let waiting = |c: &Child| c.kind == Kind::Call && c.status == Status::Pending;
        if let Some((seq, call)) = self.open.iter_mut().find(|(_, c)| waiting(c)) {
            call.runnable = true;
            if let Some(owner) = keep {
                call.status = Status::Processing;
                call.lease = Lease { epoch: call.lease.epoch + 1, owner: Some(owner) };
                effects.push(Effect::Handed(*seq));
            } else if effects.is_empty() {
                effects.push(Effect::Wake);
            }
        }
        effects
    }

    /// After a result was recorded: somebody must resume the root, unless somebody is at it.
    fn ready_root(&mut self) -> Vec<Effect> {
        if self.root.status != Status::SuspendedWaitingChild {
            return Vec::new();
        }
        self.root.status = Status::PendingResume;
        self.root.waiting_on = None;
        vec![Effect::Wake]
    }
}

impl Root {
    fn release(&mut self) {
        self.status =
            if self.deliveries == 0 { Status::Pending } else { Status::PendingResume };
        self.lease.owner = None;
    }
}

impl Child {
    /// A call that is being worked on or can be claimed. One that became a nested run is neither.
    pub fn is_active_call(&self) -> bool {
        self.kind == Kind::Call
            && (matches!(self.status, Status::Processing | Status::NeedsAttention)
                || self.is_ready())
    }

    /// Can be claimed (a timer: once it is due).
    pub fn is_ready(&self) -> bool {
        self.runnable && self.status == Status::Pending
    }

    fn release(&mut self) {
        self.status = Status::Pending;
        self.lease.owner = None;
    }

    fn cancel(&mut self) {
        self.status = Status::Cancelled;
        // A holder that comes back late finds another epoch.
        self.lease = Lease { epoch: self.lease.epoch + 1, owner: None };
    }
}
