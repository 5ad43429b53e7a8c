//! What can go wrong with a request of task code.

use tasker_sql::{SqlError, StoreError, TextError};

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The request is wrong, or breaks a rule of the database. Nothing was changed.
    #[error("{} ({})", .0.message, .0.code)]
    Sql(Box<SqlError>),
    /// The database cannot be reached or is too busy. Nothing was changed; try again.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The connection broke while a change was committed: it may have been made.
    #[error("nobody knows whether it was done: {0}")]
    Unknown(String),
    /// Another request came under this key.
    #[error("the Idempotency-Key '{0}' was used for another request: give each request its own")]
    KeyReused(String),
    /// The request was done before, and its answer of so many bytes was not kept.
    #[error(
        "this was done before under the same Idempotency-Key; its answer of {0} bytes was too long \
         to be kept: read the rows again, or ask for fewer columns"
    )]
    AnswerNotKept(u64),
    /// The request was passed on before, and what became of it is not known.
    #[error("this was sent before under the same Idempotency-Key, and no answer came")]
    Doubtful,
    /// The database answered something that it cannot have answered.
    #[error("corrupt answer: {0}")]
    Corrupt(String),
}

impl QueryError {
    /// An error with a code and a sentence.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        let (code, message) = (code.to_owned(), message.into());
        Self::Sql(Box::new(SqlError { code, message, details: None, hint: None }))
    }

    /// Adds details.
    #[must_use]
    pub fn details(mut self, text: impl Into<String>) -> Self {
        if let Self::Sql(error) = &mut self {
            error.details = Some(text.into());
        }
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        if let Self::Sql(error) = &mut self {
            error.hint = Some(text.into());
        }
        self
    }

    /// What this database cannot do, and what can be done instead.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::new("0A000", format!("{what} is not supported on SQLite"))
            .hint("Use Postgres (DATABASE_URL), or a Supabase project (SUPABASE_URL)")
    }

    /// The code, if it has one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Sql(error) => Some(&error.code),
            _ => None,
        }
    }
}

impl From<StoreError> for QueryError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid { code, message } => Self::new(&code, message),
            StoreError::Unavailable(why) => Self::Unavailable(why),
            other => Self::Corrupt(other.to_string()),
        }
    }
}

impl From<TextError> for QueryError {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Sql(error) => Self::Sql(error),
            TextError::Store(error) => error.into(),
        }
    }
}
