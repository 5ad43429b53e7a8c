//! What can go wrong in the store, as far as callers decide differently.

use tasker_core::{TaskError, run::Rejected};
use tasker_seal::SealError;

/// Result of a verb.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why a verb did nothing. The transaction was rolled back.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The named thing does not exist.
    #[error("{0} not found")]
    NotFound(String),
    /// The lease was lost, the journal grew, or the task is deadlocked.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The request breaks a rule of the database (a constraint, a type, an unknown table).
    #[error("{message}")]
    Invalid {
        /// SQLSTATE, or SQLite's code.
        code: String,
        /// The database's own sentence.
        message: String,
    },
    /// The idempotency key was used for another task or input.
    #[error("{0}")]
    KeyReused(String),
    /// As many runs are open as may be.
    #[error("{0} runs are open, as many as may be; try again later")]
    Full(u32),
    /// As many runs of the owner's tenant are open as may be.
    #[error("{0} of your runs are open, as many as may be; try again when one has ended")]
    FullForTenant(u32),
    /// The database cannot be reached or is too busy; try again.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A secret cannot be sealed or opened; says what to do about it.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// A row does not hold what the schema promises.
    #[error("corrupt row: {0}")]
    Corrupt(String),
}

/// What a task is told when the database does not take a value: its `why`.
pub fn refused_value(why: &str) -> TaskError {
    TaskError::new("StorageError", format!("the database refused a value: {why}"))
}

impl StoreError {
    /// A [`StoreError::NotFound`] for a thing and its id.
    pub fn missing(what: &str, id: impl std::fmt::Display) -> Self {
        Self::NotFound(format!("{what} {id}"))
    }
}

/// An error in the database's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError {
    /// SQLSTATE, or a code of PostgREST.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// More about it: text, or a JSON document.
    pub details: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Why a statement that was built at run time has no answer.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The database refuses it; with all that it says about it.
    #[error("{} ({})", .0.message, .0.code)]
    Sql(Box<SqlError>),
    /// As any other statement.
    #[error(transparent)]
    Store(#[from] StoreError),
}
