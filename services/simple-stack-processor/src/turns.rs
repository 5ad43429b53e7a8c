//! Who runs in the executor at the same time. A task that lost a lease may be why: it is run again
//! while no other runs, so that one which kills executors takes no other with it a second time, and
//! so that an innocent one can show that it is.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The turns of this process.
#[derive(Default)]
pub struct Turns {
    /// Held while the executor runs a task: alone by a suspect, shared by the others.
    executing: RwLock<()>,
    in_flight: Mutex<InFlight>,
}

#[derive(Default)]
struct InFlight {
    now: u32,
    /// The most since one of them last ended well: when the executor dies, its turns fail one after
    /// the other, and all of them were on board.
    most: u32,
}

/// Leave to run, until dropped.
pub struct Turn<'a> {
    turns: &'a Turns,
    well: bool,
    _guard: Guard<'a>,
}

enum Guard<'a> {
    Alone { _held: RwLockWriteGuard<'a, ()> },
    Shared { _held: RwLockReadGuard<'a, ()> },
}

impl Turns {
    /// Waits until a task may run: alone, or beside others.
    pub async fn take(&self, alone: bool) -> Turn<'_> {
        let guard = if alone {
            Guard::Alone { _held: self.executing.write().await }
        } else {
            Guard::Shared { _held: self.executing.read().await }
        };
        let mut in_flight = self.in_flight();
        in_flight.now += 1;
        in_flight.most = in_flight.most.max(in_flight.now);
        drop(in_flight);
        Turn { turns: self, well: false, _guard: guard }
    }

    fn in_flight(&self) -> std::sync::MutexGuard<'_, InFlight> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// How many ran when the executor was last known to live.
    pub fn in_flight(&self) -> u32 {
        self.turns.in_flight().most
    }

    /// It ran, and the executor lives.
    pub fn ended_well(mut self) {
        self.well = true;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut in_flight = self.turns.in_flight();
        in_flight.now -= 1;
        if self.well || in_flight.now == 0 {
            in_flight.most = in_flight.now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_that_were_on_board_are_counted_to_the_last() {
        let turns = Turns::default();
        let (a, b, c) = (turns.take(false).await, turns.take(false).await, turns.take(false).await);
        assert_eq!(a.in_flight(), 3);
        c.ended_well();
        assert_eq!(a.in_flight(), 2);
        drop(b);
        assert_eq!(a.in_flight(), 2, "the executor died, and both were there");
        drop(a);
        assert_eq!(turns.take(true).await.in_flight(), 1);
    }

    #[tokio::test]
    async fn a_suspect_is_alone() {
        let turns = Turns::default();
        let shared = turns.take(false).await;
        let alone = tokio::time::timeout(std::time::Duration::from_millis(20), turns.take(true));
        assert!(alone.await.is_err());
        drop(shared);
        let _alone = turns.take(true).await;
        let other = tokio::time::timeout(std::time::Duration::from_millis(20), turns.take(false));
        assert!(other.await.is_err());
    }
}
