//! Postgres: a pool, and transactions that use as few round trips as they can.

mod migrate;
mod value;

use std::{collections::HashMap, sync::RwLock, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures::future::join_all;
use tokio_postgres::{NoTls, Statement};

use crate::{
    Dialect, Result, StoreError, Value,
    session::{Backend, Session, Write},
    value::Row,
};

/// Connections of one process. Six services stay well below Postgres's default of 100.
const POOL_SIZE: usize = 10;
/// A caller that gets no connection by then is told to try again.
const POOL_WAIT: Duration = Duration::from_secs(2);
/// Limits that free locks when a client hangs or the network is cut.
const SESSION: &str = "-c statement_timeout=15s -c lock_timeout=2s \
    -c idle_in_transaction_session_timeout=10s -c synchronous_commit=on";

/// The Postgres backend.
pub struct Postgres {
    pool: Pool,
    rendered: RwLock<HashMap<&'static str, String>>,
}

impl Postgres {
    /// Makes the pool; connections are opened when they are needed.
    pub fn connect(url: &str) -> Result<Self> {
        let mut config: tokio_postgres::Config = url.parse().map_err(|_| {
            StoreError::Unavailable("DATABASE_URL is not a valid Postgres address".into())
        })?;
        config
            .options(SESSION)
            .connect_timeout(Duration::from_secs(5))
            .keepalives_idle(Duration::from_secs(10))
            .tcp_user_timeout(Duration::from_secs(15))
            .application_name("tasker");
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, NoTls, manager))
            .max_size(POOL_SIZE)
            .wait_timeout(Some(POOL_WAIT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| StoreError::Unavailable(e.to_string()))?;
        Ok(Self { pool, rendered: RwLock::default() })
    }

    fn render(&self, template: &'static str) -> String {
        if let Some(text) = self.rendered.read().ok().and_then(|r| r.get(template).cloned()) {
            return text;
        }
        let text = Dialect::Postgres.render(template);
        if let Ok(mut cache) = self.rendered.write() {
            cache.insert(template, text.clone());
        }
        text
    }
}

impl Backend for Postgres {
    type Session<'a> = PgSession<'a>;

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn begin(&self) -> Result<PgSession<'_>> {
        let client = self.pool.get().await.map_err(|e| StoreError::Unavailable(e.to_string()))?;
        Ok(PgSession { store: self, client: Some(client), begun: false })
    }

    async fn migrate(&self) -> Result<()> {
        migrate::run(&self.pool).await
    }
}

/// A transaction. `begin` travels with the first query, `commit` with the last write.
pub struct PgSession<'a> {
    store: &'a Postgres,
    client: Option<Object>,
    begun: bool,
}

impl PgSession<'_> {
    fn client(&self) -> Result<&Object> {
        self.client.as_ref().ok_or_else(|| StoreError::Unavailable("transaction is over".into()))
    }

    async fn run(&mut self, text: &str, params: &[Value]) -> Result<Vec<Row>> {
        let begin = !std::mem::replace(&mut self.begun, true);
        let client = self.client()?;
        let statement = client.prepare_cached(text).await.map_err(value::error)?;
        let query = send(client, &statement, params);
        let rows = if begin {
            let (opened, rows) = futures::join!(client.batch_execute("begin"), query);
            opened.map_err(value::error)?;
            rows?
        } else {
            query.await?
        };
        rows.into_iter().map(value::row).collect()
    }
}

impl Session for PgSession<'_> {
    async fn query(&mut self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>> {
        let text = self.store.render(sql);
        self.run(&text, &params).await
    }

    async fn query_text(&mut self, sql: String, params: Vec<Value>) -> Result<Vec<Row>> {
        self.run(&sql, &params).await
    }

    async fn commit(mut self, writes: Vec<Write>) -> Result<Vec<Vec<Row>>> {
        let client = self.client()?;
        // Prepared first: a statement that is new to this connection must not be overtaken.
        let mut prepared = Vec::with_capacity(writes.len());
        for write in &writes {
            let text = self.store.render(write.sql);
            prepared.push(client.prepare_cached(&text).await.map_err(value::error)?);
        }
        let alone = !self.begun && writes.len() == 1;
        if !self.begun && !alone && !writes.is_empty() {
            client.batch_execute("begin").await.map_err(value::error)?;
        }
        let needs_commit = self.begun || writes.len() > 1;
        let mut results = Vec::with_capacity(writes.len());
        let work: Vec<_> = writes.iter().zip(&prepared).collect();
        // Small chunks: `join_all` polls (and so sends) small sets strictly in order.
        for chunk in work.chunks(20) {
            let last = results.len() + chunk.len() == work.len();
            let sent = join_all(chunk.iter().map(|(w, s)| send(client, s, &w.params)));
            let (rows, done) = futures::join!(sent, async {
                if last && needs_commit { client.batch_execute("commit").await } else { Ok(()) }
            });
            // After a failed write the commit is a rollback: its error is the one that counts.
            for rows in rows {
                results.push(rows?.into_iter().map(value::row).collect::<Result<Vec<_>>>()?);
            }
            done.map_err(value::error)?;
        }
        if work.is_empty() && self.begun {
            client.batch_execute("commit").await.map_err(value::error)?;
        }
        self.begun = false;
        Ok(results)
    }
}

/// Sends one statement. The first poll puts it on the wire.
async fn send(
    client: &Object,
    statement: &Statement,
    params: &[Value],
) -> Result<Vec<tokio_postgres::Row>> {
    use futures::TryStreamExt as _;
    let stream = client.query_raw(statement, params).await.map_err(value::error)?;
    stream.try_collect().await.map_err(value::error)
}

impl Drop for PgSession<'_> {
    fn drop(&mut self) {
        // An open transaction must not go back into the pool: closing the connection rolls back.
        if self.begun && let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}
