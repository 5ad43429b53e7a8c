//! Secrets for task code and for the other services, over one POST endpoint.
//!
//! `{"action":"getKey",...}` is the current form and is answered in two envelopes, as the original
//! does; `{"chain":[...]}` and `{"method","args"}` are answered with the bare value.
//!
//! Values are sealed under a master key that the database does not have (see `docs/secrets.md`).
//!
//! **Invariant**: a value appears in the answer to `getKey` and nowhere else, neither in logs nor
//! in errors.

mod answer;
pub mod openapi;
mod request;
mod routes;

use std::sync::Arc;

use tasker_store::{Rotate, SecretStore};

pub use routes::router;

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// Where the secrets are.
    pub store: Arc<dyn SecretStore>,
}

impl State {
    /// A service over a store.
    pub fn new(store: Arc<dyn SecretStore>) -> Self {
        Self { store }
    }

    /// Seals secrets that are in clear: rows of an older tasker, or written by hand. Once, at the
    /// start; what does not work out is said and changes nothing.
    pub async fn prepare(&self) {
        match self.store.key_rotate(Rotate::Plain).await {
            Ok(done) if done.sealed + done.journal > 0 => {
                tracing::info!(secrets = done.sealed, journal = done.journal, "sealed");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "secrets in clear could not be sealed"),
        }
    }
}
