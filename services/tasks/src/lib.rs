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
mod owner;
mod query;
mod routes;

use std::sync::Arc;

use tasker_http::Peers;
use tasker_store::ControlStore;

pub use answer::Shape;
pub use routes::router;

/// Settings of the service.
#[derive(Clone, Debug, clap::Args)]
pub struct TasksArgs {
    /// Most runs that may be open; more submissions are answered 429. 0: as many as come.
    #[arg(long, env = "TASKER_MAX_OPEN_RUNS", default_value_t = 100_000)]
    pub max_open_runs: u32,
    /// Most runs that one owner (or tenant) may have open; more are answered 429. 0: as many as
    /// come. The service role has no owner.
    #[arg(long, env = "TASKER_MAX_OPEN_RUNS_PER_OWNER", default_value_t = 10_000)]
    pub max_open_runs_per_owner: u32,
    /// Claim of users' tokens that names their tenant, e.g. app_metadata.org_id: open runs are then
    /// counted by tenant.
    #[arg(long, env = "TASKER_TENANT_CLAIM", value_name = "CLAIM")]
    pub tenant_claim: Option<String>,
}

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// Runs and published tasks.
    pub store: Arc<dyn ControlStore>,
    /// The processor is told through these.
    pub peers: Peers,
    /// No run is made while so many are open.
    most_open: Option<u32>,
    /// No run of a tenant is made while so many of that tenant are open.
    most_open_of_tenant: Option<u32>,
    tenant_claim: Option<Arc<str>>,
}

impl State {
    /// A service over a store, telling the processor through `peers`.
    pub fn new(store: Arc<dyn ControlStore>, peers: Peers) -> Self {
        Self { store, peers, most_open: None, most_open_of_tenant: None, tenant_claim: None }
    }

    /// Sets limits and the claim that names a tenant, as the arguments say.
    #[must_use]
    pub fn with(self, args: &TasksArgs) -> Self {
        let claim = args.tenant_claim.as_deref().filter(|claim| !claim.is_empty());
        Self {
            most_open: Some(args.max_open_runs).filter(|most| *most > 0),
            most_open_of_tenant: Some(args.max_open_runs_per_owner).filter(|most| *most > 0),
            tenant_claim: claim.map(Into::into),
            ..self
        }
    }

    /// Tells the processor that there is work, after the answer is on its way.
    fn wake_processor(&self) {
        let body = serde_json::json!({ "trigger": "process-next" });
        self.peers.trigger("simple-stack-processor", body, async {});
    }
}
