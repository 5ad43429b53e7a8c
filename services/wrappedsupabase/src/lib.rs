//! The database for task code: a supabase-js call chain comes in, supabase-js's result comes out.
//!
//! [`chain`] reads `{"chain":[{"property","args"}]}` into a typed [`chain::Plan`], the store runs
//! it on one table, `result` answers `{data,error,count,status,statusText}` and `fault` maps the
//! database's errors to the statuses that PostgREST gives them.
//!
//! **Invariant**: a chain is understood completely or refused; no link is ever ignored.

pub mod chain;
mod fault;
pub mod openapi;
mod result;
mod routes;

use std::sync::Arc;

use tasker_store::StorageAdapter;

pub use routes::router;

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// The database.
    pub store: Arc<dyn StorageAdapter>,
}

impl State {
    /// A service over a store.
    pub fn new(store: Arc<dyn StorageAdapter>) -> Self {
        Self { store }
    }
}
