//! What a verb needs of a database: one transaction at a time.

use std::future::Future;

use crate::{Dialect, Result, StoreError, TextError, Value, slot::SlotGuard, value::Row};

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
    ) -> impl Future<Output = std::result::Result<Vec<Row>, TextError>> + Send;

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
    #[cfg(feature = "conformance")]
    fn script(&self, sql: &str) -> impl Future<Output = Result<()>> + Send;

    /// Takes a slot's name for this process.
    fn hold_slot(&self, slot: &str) -> impl Future<Output = Result<Option<SlotGuard>>> + Send;
}

/// Ends the transaction of a verb that was refused, so that its locks are gone when the caller
/// hears of it: a claim meanwhile would have skipped the rows.
///
/// # Errors
/// Those of `planned`, once the transaction is over.
pub async fn granted<S: Session, T>(s: S, planned: Result<T>) -> Result<(S, T)> {
    match planned {
        Ok(planned) => Ok((s, planned)),
        Err(refused) => {
            s.rollback().await;
            Err(refused)
        }
    }
}

/// Ends a transaction that only read.
///
/// # Errors
/// The database is gone.
pub async fn finish<S: Session>(s: S) -> Result<()> {
    s.commit(Vec::new()).await.map(|_| ())
}

/// The first row of a statement that answers one.
///
/// # Errors
/// There is none.
pub fn one(rows: Vec<Row>) -> Result<Row> {
    rows.into_iter().next().ok_or_else(|| StoreError::Corrupt("a row was expected".into()))
}

/// A statement by itself.
///
/// # Errors
/// The database refuses it, or is gone.
pub async fn single<S: Session>(s: S, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>> {
    let mut all = s.commit(vec![Write::new(sql, params)]).await?;
    Ok(all.pop().unwrap_or_default())
}
