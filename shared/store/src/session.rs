//! What a verb needs of a database: one transaction at a time.

use std::future::Future;

use crate::{Dialect, Result, Value, postgres::SlotGuard, rest::QueryError, value::Row};

/// A statement and its parameters.
#[derive(Debug)]
pub struct Write {
    /// Template (see [`crate::dialect`]).
    pub sql: &'static str,
    /// Parameters.
    pub params: Vec<Value>,
}

impl Write {
    /// A template and its parameters.
    pub fn new(sql: &'static str, params: impl Into<Vec<Value>>) -> Self {
        Self { sql, params: params.into() }
    }
}

/// One open transaction. Dropped without [`Session::commit`], it is rolled back.
pub trait Session: Send {
    /// Runs a statement now.
    fn query(
        &mut self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send;

    /// Runs several statements in order, in one round trip where the database can. Each sees what
    /// others committed while the one before it waited for a lock.
    fn queries(&mut self, reads: Vec<Write>) -> impl Future<Output = Result<Vec<Vec<Row>>>> + Send;

    /// Runs a text that was built at run time; its identifiers were checked by the caller.
    fn query_text(
        &mut self,
        sql: String,
        params: Vec<Value>,
    ) -> impl Future<Output = std::result::Result<Vec<Row>, QueryError>> + Send;

    /// Runs `writes` in order and commits, in one round trip where the database can.
    fn commit(self, writes: Vec<Write>) -> impl Future<Output = Result<Vec<Vec<Row>>>> + Send;

    /// Ends the transaction without a change; when it returns, its locks are gone.
    fn rollback(self) -> impl Future<Output = ()> + Send;
}

/// A database that opens transactions.
pub trait Backend: Send + Sync + 'static {
    /// Its transaction.
    type Session<'a>: Session;

    /// Which SQL it speaks.
    fn dialect(&self) -> Dialect;

    /// Opens a transaction.
    fn begin(&self) -> impl Future<Output = Result<Self::Session<'_>>> + Send;

    /// Opens a transaction on a connection of its own, whose plans suit statements that touch few
    /// rows of large tables.
    fn begin_step(&self) -> impl Future<Output = Result<Self::Session<'_>>> + Send {
        self.begin()
    }

    /// Brings the schema up to date.
    fn migrate(&self) -> impl Future<Output = Result<()>> + Send;

    /// Removes what deleted rows and earlier values left behind in the database's files, as far as
    /// it can: secrets that were in clear are sealed now.
    fn scrub(&self) -> impl Future<Output = Result<()>> + Send;

    /// Runs a script of a test.
    #[cfg(any(test, feature = "conformance"))]
    fn script(&self, sql: &str) -> impl Future<Output = Result<()>> + Send;

    /// Takes a slot's name for this process.
    fn hold_slot(&self, slot: &str) -> impl Future<Output = Result<Option<SlotGuard>>> + Send;
}
