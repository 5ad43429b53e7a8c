//! The database for task code: a supabase-js call chain comes in, supabase-js's result comes out.
//!
//! [`chain`] reads `{"chain":[{"property","args"}]}` into the request that supabase-js would make of
//! it. Then there are two ways: `plan` understands that request and the store answers it from the
//! database itself ([`tasker_tables`]); or `forward` sends it to the PostgREST, Auth and Storage
//! of a Supabase project. `result` answers `{success,error,data,count,status,statusText}` and `fault`
//! maps errors to the codes and statuses that PostgREST gives them.
//!
//! **Invariant**: a chain is understood completely or refused; no link is ever ignored.

pub mod chain;
mod direct;
mod fault;
mod forward;
mod once;
pub mod openapi;
mod plan;
mod result;
mod routes;
mod settings;

use std::sync::Arc;

use tasker_http::GateArgs;
use tasker_store::TableStore;

pub use forward::Forward;
pub use routes::router;
pub use settings::{Backend, Settings, SupabaseArgs};

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// The database.
    pub store: Arc<dyn TableStore>,
    /// The Supabase project, if there is one.
    pub forward: Option<Arc<Forward>>,
    /// Whether database calls go to the project.
    pub forwards: bool,
    /// What the database answers directly.
    pub settings: Arc<Settings>,
}

impl State {
    /// A service over a store.
    pub fn new(store: Arc<dyn TableStore>) -> Self {
        Self { store, forward: None, forwards: false, settings: Arc::default() }
    }

    /// Sets limits, and whether the database is a project's, as the arguments say.
    ///
    /// # Errors
    /// A project is asked for and not named, or its address or key is missing.
    pub fn with(mut self, args: &SupabaseArgs, gate: &GateArgs) -> anyhow::Result<Self> {
        self.settings = Arc::new(args.into());
        self.forward = Forward::new(gate)?.map(Arc::new);
        self.forwards = match args.supabase_backend {
            Backend::Auto => self.forward.is_some(),
            Backend::Direct => false,
            Backend::Forward => true,
        };
        if self.forwards && self.forward.is_none() {
            anyhow::bail!("TASKER_SUPABASE_BACKEND=forward needs SUPABASE_URL");
        }
        Ok(self)
    }

    /// Has database calls sent to a project.
    #[must_use]
    pub fn forwarding(mut self, forward: Forward) -> Self {
        self.forward = Some(Arc::new(forward));
        self.forwards = true;
        self
    }

    /// Replaces the settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Arc::new(settings);
        self
    }
}
