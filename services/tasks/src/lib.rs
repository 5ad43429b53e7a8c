//! Accepts tasks: publish, execute, status, logs, list, schema, runs; and control over runs: cancel,
//! pause, resume, retry, upgrade, attention, resolve.
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
pub mod openapi;
mod routes;

use std::sync::Arc;

use tasker_http::Peers;
use tasker_store::StorageAdapter;

pub use answer::Shape;
pub use routes::router;

/// Settings of the service.
#[derive(Clone, Debug, clap::Args)]
pub struct TasksArgs {
    /// Most runs that may be open; more submissions are answered 429. 0: as many as come.
    #[arg(long, env = "TASKER_MAX_OPEN_RUNS", default_value_t = 100_000)]
    pub max_open_runs: u32,
}

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// Runs and published tasks.
    pub store: Arc<dyn StorageAdapter>,
    /// The processor is told through these.
    pub peers: Peers,
    /// No run is made while so many are open.
    most_open: Option<u32>,
}

impl State {
    /// A service over a store, telling the processor through `peers`.
    pub fn new(store: Arc<dyn StorageAdapter>, peers: Peers) -> Self {
        Self { store, peers, most_open: None }
    }

    /// The same with its settings.
    #[must_use]
    pub fn with(self, args: &TasksArgs) -> Self {
        Self { most_open: Some(args.max_open_runs).filter(|most| *most > 0), ..self }
    }

    /// Tells the processor that there is work, after the answer is on its way.
    fn wake_processor(&self) {
        let body = serde_json::json!({ "trigger": "process-next" });
        self.peers.trigger("simple-stack-processor", body, async {});
    }
}
