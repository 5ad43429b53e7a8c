//! What is kept between two turns of a run, within a budget of memory: the runs that were driven
//! longest ago are let go first.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tasker_core::StackRunId;

/// One `T` a run, by its root.
pub struct Parked<T>(Mutex<Lot<T>>);

struct Lot<T> {
    runs: HashMap<StackRunId, Place<T>>,
    bytes: usize,
    budget: usize,
}

struct Place<T> {
    item: T,
    bytes: usize,
    since: Instant,
}

impl<T> Parked<T> {
    /// Room for so many bytes.
    pub fn new(budget: usize) -> Self {
        Self(Mutex::new(Lot { runs: HashMap::new(), bytes: 0, budget }))
    }

    /// Keeps a run's `item` that takes so many bytes.
    pub fn keep(&self, root: StackRunId, item: T, bytes: usize) {
        // What is let go ends after the lock: that may take a while.
        let mut let_go = Vec::new();
        let mut lot = self.lot();
        lot.bytes += bytes;
        let_go.extend(lot.runs.insert(root, Place { item, bytes, since: Instant::now() }));
        lot.bytes -= let_go.iter().map(|place| place.bytes).sum::<usize>();
        while lot.bytes > lot.budget && lot.runs.len() > 1 {
            let oldest = lot.runs.iter().min_by_key(|(_, place)| place.since).map(|(id, _)| *id);
            let Some(place) = oldest.and_then(|id| lot.runs.remove(&id)) else { break };
            lot.bytes -= place.bytes;
            let_go.push(place);
        }
    }

    /// Looks at what a run has here.
    pub fn look<R>(&self, root: StackRunId, look: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        self.lot().runs.get(&root).and_then(|place| look(&place.item))
    }

    /// The runs that have something here.
    pub fn roots(&self) -> Vec<StackRunId> {
        self.lot().runs.keys().copied().collect()
    }

    /// Takes what a run has here.
    pub fn take(&self, root: StackRunId) -> Option<T> {
        let mut lot = self.lot();
        let place = lot.runs.remove(&root)?;
        lot.bytes -= place.bytes;
        Some(place.item)
    }

    fn lot(&self) -> MutexGuard<'_, Lot<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_holds_whatever_is_replaced_and_taken() {
        let parked = Parked::new(100);
        let id = StackRunId;
        for round in 0..10 {
            parked.keep(id(1), round, 60);
        }
        parked.keep(id(2), 20, 40);
        assert_eq!(parked.take(id(1)), Some(9), "the others had been replaced");
        parked.keep(id(3), 30, 60);
        parked.keep(id(4), 40, 60);
        assert_eq!([2, 3].map(|n| parked.take(id(n))), [None, None], "the oldest are let go");
        assert_eq!(parked.take(id(4)), Some(40));
        parked.keep(id(5), 50, 1_000);
        assert_eq!(parked.take(id(5)), Some(50), "one may always stay");
        assert_eq!(parked.lot().bytes, 0);
    }
}
