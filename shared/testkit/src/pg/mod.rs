//! Throw-away Postgres.
//!
//! A test asks for a [`Server`] and then for as many [`Database`]s as it likes:
//!
//! ```no_run
//! # async fn f() -> Result<(), tasker_testkit::pg::Error> {
//! let server = tasker_testkit::pg::Server::obtain()?;
//! let database = server.database().await?;
//! // tasker_store::connect(database.url())
//! # Ok(()) }
//! ```
//!
//! nextest runs each test in a process of its own, so each would start a cluster (about a second).
//! `throwaway-postgres -- cargo nextest run` starts one for all and sets `TASKER_TEST_DATABASE_URL`.

mod cluster;
mod database;
mod programs;

pub use cluster::{Cluster, Durability, Options};
pub use database::{Database, Server, URL_VARIABLE};

/// Why there is no Postgres.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `initdb` and `postgres` are nowhere.
    #[error(
        "Postgres's server programs (initdb, postgres) were not found on PATH, in \
         /usr/lib/postgresql/*/bin nor in the folder that PG_BIN names: apt-get install postgresql \
         (macOS: brew install postgresql), or set TASKER_TEST_DATABASE_URL to a running server"
    )]
    NotInstalled,
    /// Postgres refuses to run as root, and there is no other user.
    #[error("Postgres does not run as root: add a user `postgres` or `nobody`")]
    NoUser,
    /// A program failed; the text is what it printed last.
    #[error("{program} failed: {output}")]
    Failed {
        /// Which.
        program: &'static str,
        /// Its last lines.
        output: String,
    },
    /// A file or process could not be handled.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The server runs but does not do as asked.
    #[error("{what}: {why}")]
    Sql {
        /// What was tried.
        what: String,
        /// Why not.
        why: String,
    },
}

fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
    let what = what.into();
    move |source| Error::Io { what, source }
}
