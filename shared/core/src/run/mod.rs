//! The state machine of one run.
//!
//! A [`Run`] is the root row of a run and its open (not yet ended) children: host calls and
//! timers. [`transition`] takes a run and an [`Event`] and answers the run after it and what
//! must happen outside. It knows neither values nor clocks; the store loads the rows under a lock,
//! calls it, and writes the rows that changed, all in one transaction. Two things are written
//! without a look at the run before, by one guarded statement each, because they are on the path of
//! every run: claims ([`claim`]) and the steps of warm runs ([`step`]). They are decisions of this
//! machine in advance, and the store's tests hold them against it.
//!
//! Rules it keeps:
//! * calls of a run are worked on one at a time, in the order they were made; timers run beside;
//! * a write counts only from the holder of the row's lease, at the row's epoch;
//! * a row that ended never changes again, so a result is recorded once;
//! * what may have happened and must not happen twice is not sent again by itself;
//! * an open run always has a row that somebody can claim, a row that somebody holds, a timer, a
//!   nested run, or a row that waits for a person: it is never stuck. A paused run is as open as
//!   before, but nobody can claim its rows.
//!
//! [`replay`] is the other half of durable execution: the code is run again from its start, and
//! held against the journal.

pub mod blame;
pub mod claim;
mod control;
mod effect;
mod event;
mod lease;
pub mod replay;
mod row;
mod rules;
mod state;
pub mod step;
mod turn;

pub use effect::{Effect, Rejected, Rules};
pub use event::{Death, Event, Loss, Resolved, Teller, Turn};
pub use row::{Held, Lease, Owner, Request, Row, Seq, Tries};
pub use state::{AtEnd, Child, ChildState, End, Ended, Root, RootState, Run};

/// Applies `event` to `run` under `rules`.
///
/// # Errors
/// The event does not count; nothing is changed.
pub fn transition(run: &Run, event: Event, rules: Rules) -> Result<(Run, Vec<Effect>), Rejected> {
    let mut next = run.clone();
    let effects = match event {
        Event::Claimed { row, owner } => next.claim(row, owner)?,
        Event::AttentionClaimed { seq, owner } => next.claim_attention(seq, owner)?,
        Event::Advanced(turn) => next.advance(turn, rules)?,
        Event::Recorded { seq, by, ok } => next.record(seq, &by, ok, rules)?,
        Event::Delegated { seq, by } => next.delegate(seq, &by, rules)?,
        Event::Released { row, by, after_ms } => {
            next.check(row, &by, rules)?;
            next.release(row, after_ms)?
        }
        Event::Abandoned { row, by, in_flight, after_ms } => {
            next.abandon(row, &by, in_flight, after_ms)?
        }
        Event::Isolated { row, by } => {
            next.check(row, &by, rules)?;
            next.isolate(row)?
        }
        Event::LeaseLost(loss) => next.lose(loss, rules)?,
        Event::Doubted { seq, by } => next.doubt(seq, &by, rules)?,
        Event::Resolved { seq, how } => next.resolve(seq, how)?,
        Event::Stopped { end } => next.stop(end)?,
        Event::Paused => next.pause()?,
        Event::Unpaused => next.unpause()?,
        Event::Upgraded { deliveries, calls } => next.upgrade(deliveries, calls)?,
        Event::Retried => next.retry()?,
    };
    Ok((next, effects))
}
