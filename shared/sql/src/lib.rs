//! Postgres and SQLite behind one small interface.
//!
//! A [`Backend`] opens a transaction, a [`Session`], which takes statements as templates (see
//! [`dialect`]) with [`Value`]s and answers [`Row`]s. The drivers are [`Postgres`] and [`Sqlite`];
//! both bring their own schema up to date. What the tables mean is told elsewhere.

pub mod dialect;
mod error;
pub mod postgres;
pub mod session;
mod slot;
pub mod sqlite;
pub mod value;

pub use dialect::Dialect;
pub use error::{Result, SqlError, StoreError, TextError, refused_value};
pub use postgres::Postgres;
pub use session::{Backend, Session, Write, finish, granted, one, single};
pub use slot::SlotGuard;
pub use sqlite::Sqlite;
pub use value::{Hidden, Row, Value};

/// The migrations of Postgres: file name, as Supabase's tools expect it, and text.
pub fn migrations() -> impl Iterator<Item = (String, &'static str)> {
    postgres::MIGRATIONS
        .iter()
        .map(|(version, name, text)| (format!("{version}_{name}.sql"), *text))
}

/// Texts that make the engine's tables, on either database.
pub fn schemas() -> impl Iterator<Item = &'static str> {
    postgres::MIGRATIONS.iter().map(|m| m.2).chain([sqlite::FIRST_SCHEMA])
}
