//! A slot's name, held.

use std::sync::Arc;

use tokio::sync::Notify;

/// The right to a slot's name, until dropped.
#[derive(Debug)]
pub struct SlotGuard {
    keeper: tokio::task::JoinHandle<()>,
    created: Arc<Notify>,
}

impl SlotGuard {
    /// `keeper` holds the slot as long as it runs, and notifies `created`.
    pub(crate) fn new(keeper: tokio::task::JoinHandle<()>, created: Arc<Notify>) -> Self {
        Self { keeper, created }
    }

    /// Notified when runs were made, or may have been while nobody could listen. Several
    /// notifications may come as one.
    pub fn created(&self) -> Arc<Notify> {
        self.created.clone()
    }
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}
