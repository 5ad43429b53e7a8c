//! What the engine keeps, and how it changes.
//!
//! Verbs, each one transaction, in a trait for what each kind of service needs ([`RunStore`],
//! [`TaskStore`], [`ControlStore`], [`SecretStore`], [`TableStore`]). [`connect`] opens Postgres or
//! SQLite as the sum of them, a [`StorageAdapter`]. Inside: one SQL text for both (`sql`), verbs
//! written once over a [`tasker_sql::Session`] (`verbs`), what to write decided by core's state
//! machine (`plan`), and secrets in journals sealed on their way in and opened on their way out
//! (`journal`). Requests of task code on its own tables are `tasker_tables`, the keystore is
//! `tasker_secrets`.

mod adapter;
mod beats;
mod control;
#[cfg(feature = "conformance")]
mod hot;
mod image;
mod invariants;
mod journal;
mod lost;
mod plan;
mod rows;
mod shares;
mod sql;
mod store;
mod submit;
mod sweep;
mod types;
mod values;
mod verbs;

use std::sync::Arc;

pub use tasker_seal::{KeySettings, MasterKey, SealError, Secret};

pub use adapter::{
    ControlStore, DatabaseStore, RunStore, SecretStore, StorageAdapter, TableStore, TaskStore,
};
#[cfg(feature = "conformance")]
pub use hot::hot;
pub use types::{
    Advance, Advanced, Ask, Claimed, Held, KeyInfo, NewRun, Outcome, Owner, Resolution, Retry,
    Rotate, Rotation, RunFilter, RunImage, SubmitOptions, Submitted, Upgrade, Waiting,
};

use tasker_secrets::MasterKeys;
pub use tasker_secrets::development_key;
pub use tasker_sql::{Dialect, Result, SlotGuard, StoreError, Value, migrations, refused_value};
use tasker_sql::{postgres, session, sqlite, value};
use tasker_tables as rest;

/// How long a holder of leases counts as living after its last beat.
pub const LEASE_MS: i64 = 10_000;

/// Opens the store that `url` names: `postgres://...`, `sqlite:PATH` or `sqlite::memory:`.
///
/// SQLite's schema is brought up to date here; Postgres's by `tasker migrate` (or Supabase's own
/// tool), since several processes share it. Without settings SQLite's master keys lie next to the
/// file, and on Postgres there are none.
pub async fn connect(url: &str) -> Result<Arc<dyn StorageAdapter>> {
    connect_with(url, &KeySettings::default()).await
}

/// Opens the database that `url` names, with the master keys of its secrets.
pub async fn connect_with(url: &str, keys: &KeySettings) -> Result<Arc<dyn StorageAdapter>> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let backend = sqlite::Sqlite::open(path, rest::add_functions)?;
        let store = store::Store::new(backend, MasterKeys::beside(keys, path)?, true);
        store.migrate().await?;
        return Ok(Arc::new(store));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let backend = postgres::Postgres::connect(url)?;
        return Ok(Arc::new(store::Store::new(backend, MasterKeys::new(keys)?, keys.no_vault)));
    }
    Err(StoreError::Unavailable(
        "DATABASE_URL must start with postgres://, postgresql:// or sqlite:".into(),
    ))
}
