//! How many runs this process works on at once, and who takes turns when there are more.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::sync::Notify;

/// After so many calls a run lets others go first, if others wait.
const TIME_SLICE: u32 = 50;

/// A slot that is taken. It goes with a run from call to call; dropped, it is free, and if a trigger
/// found none meanwhile, the scheduler looks again.
pub struct Slot(Arc<Slots>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
        if self.0.missed.swap(false, Ordering::SeqCst) {
            self.0.look.notify_one();
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
    /// Has the scheduler look for work.
    look: Arc<Notify>,
}

impl Slots {
    /// `most` runs at once, at least one. `look`: has the scheduler look for work.
    pub fn new(most: usize, look: Arc<Notify>) -> Self {
        Self {
            busy: AtomicUsize::new(0),
            most: most.max(1),
            missed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            look,
        }
    }

    /// Takes a slot. If none is free that is remembered: the next one that frees has somebody look
    /// again.
    pub fn take(self: &Arc<Self>) -> Option<Slot> {
        if self.closed() {
            return None;
        }
        let taken = self.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |busy| {
            (busy < self.most).then_some(busy + 1)
        });
        if taken.is_err() {
            self.missed.store(true, Ordering::SeqCst);
        }
        taken.is_ok().then(|| Slot(self.clone()))
    }

    /// Whether a run that made so many steps goes on with its next call at once: unless others wait
    /// and it had its turn.
    pub fn keeps(&self, steps: u32) -> bool {
        !self.closed() && (steps < TIME_SLICE || !self.missed.load(Ordering::SeqCst))
    }

    /// No more work is taken.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Whether no more work is taken.
    pub fn closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}
