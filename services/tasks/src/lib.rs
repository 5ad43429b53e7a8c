//! Accepts tasks: publish, execute, status, logs, list, schema, runs.
//!
//! Two generations of clients are served. The current one sends `task_identifier` and is answered
//! `{"success":true,"data":...}`; the older one sends `taskName` and is answered bare. Which one
//! asks is told by the key it sent (see [`Shape`]).
//!
//! **Invariant**: no answer waits for a task to run. A run is a committed row; the processor is
//! told by a trigger that may get lost without harm.

mod answer;
mod body;
pub mod jsdoc;
mod routes;

use std::sync::Arc;

use tasker_http::Peers;
use tasker_store::StorageAdapter;

pub use answer::Shape;
pub use routes::router;

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// Runs and published tasks.
    pub store: Arc<dyn StorageAdapter>,
    /// The processor is told through these.
    pub peers: Peers,
}

impl State {
    /// A service over a store, telling the processor through `peers`.
    pub fn new(store: Arc<dyn StorageAdapter>, peers: Peers) -> Self {
        Self { store, peers }
    }

    /// Tells the processor that there is work, after the answer is on its way.
    fn wake_processor(&self) {
        let body = serde_json::json!({ "trigger": "process-next" });
        self.peers.trigger("simple-stack-processor", body, async {});
    }
}
