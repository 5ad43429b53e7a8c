//! The only crate of tasker that knows SQL.
//!
//! [`StorageAdapter`] is what the services use: verbs, each one transaction. [`connect`] opens
//! Postgres or SQLite. Inside: one SQL text for both ([`dialect`], `sql`), verbs written once over
//! a small `Session` (`verbs`), and what to write decided by core's state machine (`plan`). [`rest`]
//! is what task code asks of its own tables.

mod adapter;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod control;
mod dialect;
mod error;
mod image;
mod invariants;
mod lenient;
mod plan;
mod postgres;
pub mod rest;
mod rows;
mod session;
mod shares;
mod sql;
mod sqlite;
mod store;
mod submit;
mod sweep;
mod types;
mod value;
mod verbs;

use std::sync::Arc;

pub use adapter::StorageAdapter;
pub use dialect::Dialect;
pub use error::{Result, StoreError, refused_value};
pub use postgres::SlotGuard;
pub use types::{
    Advance, Advanced, Ask, Claimed, KeyInfo, NewRun, Outcome, Resolution, Retry, RunFilter,
    RunImage, SubmitOptions, Submitted, Upgrade, Waiting,
};
pub use value::Value;

/// How long a lease lasts unless it is kept.
pub const LEASE_MS: i64 = 10_000;

/// Opens the store that `url` names: `postgres://...`, `sqlite:PATH` or `sqlite::memory:`.
///
/// SQLite's schema is brought up to date here; Postgres's by `tasker migrate` (or Supabase's own
/// tool), since several processes share it.
pub async fn connect(url: &str) -> Result<Arc<dyn StorageAdapter>> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let store = store::Store(sqlite::Sqlite::open(path)?);
        store.migrate().await?;
        return Ok(Arc::new(store));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Arc::new(store::Store(postgres::Postgres::connect(url)?)));
    }
    Err(StoreError::Unavailable(
        "DATABASE_URL must start with postgres://, postgresql:// or sqlite:".into(),
    ))
}
