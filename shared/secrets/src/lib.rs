//! Secrets in the database.
//!
//! [`MasterKeys`] says where the master keys come from, [`Keystore`] reads, sets and rotates the
//! secrets of a database, in rows or in Supabase's Vault, and [`Sealing`] is a transaction that seals
//! what is marked as secret before it is sent. The sealing itself is `tasker_seal`.

mod keys;
mod keystore;
mod rotate;
mod sealing;
mod sql;
mod types;
mod vault;

pub use keys::{MasterKeys, development_key};
pub use keystore::Keystore;
pub use sealing::{Sealing, open, secret_column};
pub use types::{KeyInfo, Rotate, Rotation};
