//! Outcomes for one run are taken one after the other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tasker_core::StackRunId;
use tokio::sync::OwnedMutexGuard;

/// A lock for each run, as long as somebody has or waits for it.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<StackRunId, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for those that came before.
    pub async fn take(&self, root: StackRunId) -> OwnedMutexGuard<()> {
        self.of(root).lock_owned().await
    }

    fn of(&self, root: StackRunId) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() > 1_000 {
            all.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        all.entry(root).or_default().clone()
    }
}
