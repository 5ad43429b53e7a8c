//! How many runs this process works on at once, and who takes turns when there are more.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::{State, chain};

/// A slot that is taken. It goes with a run from call to call; dropped, it is free, and if a trigger
/// found none meanwhile, somebody looks again.
pub struct Slot(State);

impl Slot {
    /// A free one, if there is one.
    pub fn take(state: &State) -> Option<Self> {
        state.0.slots.take().then(|| Self(state.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.0.0.slots.free() {
            chain::trigger_next(&self.0);
        }
    }
}

/// Counts runs under work.
pub struct Slots {
    busy: AtomicUsize,
    most: usize,
    /// A trigger found no free slot: somebody waits.
    missed: AtomicBool,
    closed: AtomicBool,
}

impl Slots {
    /// `most` runs at once, at least one.
    pub fn new(most: usize) -> Self {
        Self {
            busy: AtomicUsize::new(0),
            most: most.max(1),
            missed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    /// Takes a slot. If none is free that is remembered: the next one that frees looks again.
    fn take(&self) -> bool {
        if self.closed.load(Ordering::SeqCst) {
            return false;
        }
        let taken = self.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |busy| {
            (busy < self.most).then_some(busy + 1)
        });
        if taken.is_err() {
            self.missed.store(true, Ordering::SeqCst);
        }
        taken.is_ok()
    }

    /// Frees a slot; true if somebody found none in the meantime.
    fn free(&self) -> bool {
        self.busy.fetch_sub(1, Ordering::SeqCst);
        self.missed.swap(false, Ordering::SeqCst)
    }

    /// Whether somebody waits for a slot.
    pub fn contended(&self) -> bool {
        self.missed.load(Ordering::SeqCst)
    }

    /// No more work is taken.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Whether work is still taken.
    pub fn closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}
