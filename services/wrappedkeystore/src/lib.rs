//! Secrets for task code and for the other services, over one POST endpoint.
//!
//! `{"action":"getKey",...}` is the current form and is answered in two envelopes, as the original
//! does; `{"chain":[...]}` and `{"method","args"}` are answered with the bare value.
//!
//! **Invariant**: a value appears in the answer to `getKey` and nowhere else, neither in logs nor
//! in errors.

mod answer;
pub mod openapi;
mod request;
mod routes;

use std::sync::Arc;

use tasker_store::StorageAdapter;

pub use routes::router;

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// Where the secrets are.
    pub store: Arc<dyn StorageAdapter>,
}

impl State {
    /// A service over a store.
    pub fn new(store: Arc<dyn StorageAdapter>) -> Self {
        Self { store }
    }
}
