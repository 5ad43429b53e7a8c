//! When a holder of leases was last said to live, so that not every claim says it again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A third of the time for which a beat counts: two may fail.
const FRESH: Duration = Duration::from_secs(3);

/// The last beats of the holders for whom this process claims.
#[derive(Default)]
pub struct Beats(Mutex<HashMap<String, Instant>>);

impl Beats {
    /// Whether `owner` is to be said to live before it is given a lease.
    pub fn due(&self, owner: &str) -> bool {
        let last = self.lock().get(owner).copied();
        last.is_none_or(|last| last.elapsed() > FRESH)
    }

    /// Remembers a beat that was committed.
    pub fn note(&self, owner: &str) {
        let mut all = self.lock();
        // Who claims once is forgotten.
        all.retain(|_, last| last.elapsed() <= FRESH);
        all.insert(owner.to_owned(), Instant::now());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
