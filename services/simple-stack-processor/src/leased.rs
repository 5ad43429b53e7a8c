//! A leased row on its way from call to call, and the runs that this process works on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tasker_core::{StackRunId, wire::Handed};
use tasker_store::Outcome;
use tokio::sync::Notify;

use crate::slots::Slot;

/// A leased row, and what goes with its run from call to call.
#[derive(Clone)]
pub struct Leased {
    /// The row.
    pub row: Handed,
    /// Steps of its run since the claim.
    pub steps: u32,
    /// Outcomes of calls before this one that are not known to be on record: it went ahead of them.
    pub unrecorded: Vec<(Handed, Outcome)>,
    /// Given back with the last copy of this.
    _slot: Arc<Slot>,
    _held: Arc<AtWork>,
}

impl Leased {
    /// A row that was just leased.
    pub fn new(runs: &Arc<Runs>, row: Handed, slot: Slot) -> Self {
        let held = AtWork::note(runs, row.root_id);
        Self { row, steps: 0, unrecorded: Vec::new(), _slot: Arc::new(slot), _held: Arc::new(held) }
    }
}

/// The runs that this process works on, by their roots.
#[derive(Default)]
pub struct Runs {
    all: Mutex<HashMap<StackRunId, u32>>,
    /// Tells the heartbeat that there is something to keep.
    some: Notify,
}

impl Runs {
    fn lock(&self) -> MutexGuard<'_, HashMap<StackRunId, u32>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the run of this root is one of them.
    pub fn contains(&self, root: StackRunId) -> bool {
        self.lock().contains_key(&root)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Waits until one is added.
    pub async fn added(&self) {
        self.some.notified().await;
    }
}

/// Says that this process works on a run, until dropped.
struct AtWork(Arc<Runs>, StackRunId);

impl AtWork {
    fn note(runs: &Arc<Runs>, root: StackRunId) -> Self {
        *runs.lock().entry(root).or_default() += 1;
        runs.some.notify_one();
        Self(runs.clone(), root)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut all = self.0.lock();
        if let Some(count) = all.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.1);
            }
        }
    }
}
