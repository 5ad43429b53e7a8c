//! A transaction on Postgres: `begin` travels with its first statement, `commit` with its last.

use deadpool_postgres::Object;
use futures::{TryStreamExt as _, future::join_all};
use tokio_postgres::Statement;

use super::{Postgres, value};
use crate::{
    Result, StoreError, TextError, Value,
    session::{Session, Write},
    value::Row,
};

/// Statements sent at once. `join_all` polls (and so sends) small sets strictly in order.
const CHUNK: usize = 20;

/// A transaction.
pub struct PgSession<'a> {
    store: &'a Postgres,
    client: Option<Object>,
    begun: bool,
}

/// What follows the statements that are sent.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Stay,
    Commit,
}

impl<'a> PgSession<'a> {
    pub fn new(store: &'a Postgres, client: Object) -> Self {
        Self { store, client: Some(client), begun: false }
    }

    fn client(&self) -> Result<&Object> {
        self.client.as_ref().ok_or_else(|| StoreError::Unavailable("transaction is over".into()))
    }

    /// Prepared before anything is sent: a new statement costs a round trip of its own.
    async fn prepare(&self, work: &[Write]) -> Result<Vec<Statement>> {
        let mut prepared = Vec::with_capacity(work.len());
        for write in work {
            let text = self.store.render(write.sql);
            prepared.push(self.client()?.prepare_cached(&text).await.map_err(value::error)?);
        }
        Ok(prepared)
    }

    /// One round trip.
    async fn send(&mut self, work: &[(&Statement, &[Value])], then: Then) -> Result<Vec<Vec<Row>>> {
        let commit = then == Then::Commit;
        let alone = commit && !self.begun && work.len() < 2;
        let begin = !self.begun && !alone;
        // Before the first await: a future that is dropped there must not leave the transaction.
        self.begun |= begin;
        let client = self.client()?;
        let (opened, sent, done) = futures::join!(
            async { if begin { client.batch_execute("begin").await } else { Ok(()) } },
            join_all(work.iter().map(|(statement, params)| one(client, statement, params))),
            async { if commit && !alone { client.batch_execute("commit").await } else { Ok(()) } },
        );
        if commit && done.is_ok() {
            // Over, one way or the other: after a failed statement the commit was a rollback.
            self.begun = false;
        }
        opened.map_err(value::error)?;
        let rows = sent.into_iter().collect::<Result<Vec<_>>>()?;
        done.map_err(value::error)?;
        let ours = |rows: Vec<_>| rows.into_iter().map(value::row).collect();
        rows.into_iter().map(ours).collect()
    }
}

impl Session for PgSession<'_> {
    async fn query(&mut self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>> {
        let mut all = self.queries(vec![Write::new(sql, params)]).await?;
        Ok(all.pop().unwrap_or_default())
    }

    async fn queries(&mut self, reads: Vec<Write>) -> Result<Vec<Vec<Row>>> {
        let prepared = self.prepare(&reads).await?;
        let work: Vec<_> = pairs(&prepared, &reads).collect();
        self.send(&work, Then::Stay).await
    }

    async fn query_text(
        &mut self,
        sql: String,
        params: Vec<Value>,
    ) -> std::result::Result<Vec<Row>, TextError> {
        if !self.begun {
            self.send(&[], Then::Stay).await?;
        }
        let client = self.client()?;
        // Not cached: there are as many texts as callers think of.
        let statement = client.prepare(&sql).await.map_err(value::told)?;
        let rows = client.query_raw(&statement, &params).await.map_err(value::told)?;
        let rows: Vec<_> = rows.try_collect().await.map_err(value::told)?;
        Ok(rows.into_iter().map(value::row).collect::<Result<_>>()?)
    }

    async fn commit(mut self, writes: Vec<Write>) -> Result<Vec<Vec<Row>>> {
        let prepared = self.prepare(&writes).await?;
        let work: Vec<_> = pairs(&prepared, &writes).collect();
        let mut results = Vec::with_capacity(work.len());
        let mut rest = work.as_slice();
        while rest.len() > CHUNK {
            let (now, later) = rest.split_at(CHUNK);
            results.extend(self.send(now, Then::Stay).await?);
            rest = later;
        }
        if self.begun || !rest.is_empty() {
            tasker_fault::point("commit", "before");
            results.extend(self.send(rest, Then::Commit).await?);
            tasker_fault::point("commit", "after");
        }
        Ok(results)
    }

    async fn rollback(mut self) {
        if self.begun
            && let Some(client) = &self.client
        {
            // If this fails, dropping closes the connection.
            self.begun = client.batch_execute("rollback").await.is_err();
        }
    }
}

fn pairs<'a>(
    prepared: &'a [Statement],
    work: &'a [Write],
) -> impl Iterator<Item = (&'a Statement, &'a [Value])> {
    prepared.iter().zip(work.iter().map(|w| w.params.as_slice()))
}

/// Sends one statement. The first poll puts it on the wire.
async fn one(
    client: &Object,
    statement: &Statement,
    params: &[Value],
) -> Result<Vec<tokio_postgres::Row>> {
    let stream = client.query_raw(statement, params).await.map_err(value::error)?;
    stream.try_collect().await.map_err(value::error)
}

/// A transaction that was given up: its future was dropped, or a statement failed.
impl Drop for PgSession<'_> {
    fn drop(&mut self) {
        // An open transaction must not go back into the pool: closing the connection rolls back.
        if self.begun
            && let Some(client) = self.client.take()
        {
            drop(Object::take(client));
        }
    }
}
