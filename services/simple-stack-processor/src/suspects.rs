//! Tasks that were running when their executor died. Any of them may be why, so each is tried again
//! while no other runs: one that kills executors takes no other with it a second time. In this
//! process's memory only: forgotten, it costs others a try.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use tasker_core::StackRunId;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The suspects of this process.
#[derive(Default)]
pub struct Suspects {
    roots: Mutex<HashSet<StackRunId>>,
    /// Held while the executor runs a task: alone by a suspect, shared by the others.
    executing: RwLock<()>,
}

/// Leave to run, until dropped.
pub enum Turn<'a> {
    /// While no other runs.
    Alone { _guard: RwLockWriteGuard<'a, ()> },
    /// Beside others.
    Shared { _guard: RwLockReadGuard<'a, ()> },
}

impl Suspects {
    /// Waits until the task of this root may run.
    pub async fn turn(&self, root: StackRunId) -> Turn<'_> {
        let suspect = self.roots().contains(&root);
        if suspect {
            Turn::Alone { _guard: self.executing.write().await }
        } else {
            Turn::Shared { _guard: self.executing.read().await }
        }
    }

    /// The executor died while it ran.
    pub fn add(&self, root: StackRunId) {
        self.roots().insert(root);
    }

    /// It ran, and the executor lives.
    pub fn clear(&self, root: StackRunId) {
        self.roots().remove(&root);
    }

    fn roots(&self) -> std::sync::MutexGuard<'_, HashSet<StackRunId>> {
        self.roots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
