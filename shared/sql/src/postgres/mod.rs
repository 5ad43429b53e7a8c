//! Postgres: a pool, and transactions that use as few round trips as they can.

mod migrate;
mod session;
mod slot;
mod tls;
mod value;

use std::{
    collections::HashMap,
    sync::RwLock,
    time::{Duration, UNIX_EPOCH},
};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};

use crate::{Dialect, Result, SlotGuard, StoreError, session::Backend};
pub use migrate::MIGRATIONS;
use session::PgSession;
use tls::Address;

/// Connections of one process. Those that need one stay well below Postgres's default of 100.
const POOL_SIZE: usize = 10;
/// A caller that gets no connection by then is told to try again.
const POOL_WAIT: Duration = Duration::from_secs(2);
/// A server that does not answer by then counts as gone.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// Limits that free locks when a client hangs or the network is cut.
const SESSION: &str = "-c statement_timeout=15s -c lock_timeout=2s \
    -c TimeZone=UTC -c idle_in_transaction_session_timeout=10s -c synchronous_commit=on";

/// For the connections that write steps: their statements find a few rows by their numbers, however
/// many rows there are, and a plan is made once. With small tables a planner would choose to read
/// all of a table, and keep to that while it grows.
const STEPS: &str = " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off \
    -c plan_cache_mode=force_generic_plan -c jit=off";
/// A second one for the moment in which the first is lost.
const STEP_POOL_SIZE: usize = 2;

/// The Postgres backend.
pub struct Postgres {
    pool: Pool,
    steps: Pool,
    server: Address,
    rendered: RwLock<HashMap<&'static str, String>>,
}

impl Postgres {
    /// Makes the pool; connections are opened when they are needed.
    pub fn connect(url: &str) -> Result<Self> {
        let mut server = tls::address(url)?;
        let session = if tasker_fault::on("nosync") { "" } else { SESSION };
        server
            .config
            .options(session)
            .connect_timeout(CONNECT_WAIT)
            .keepalives_idle(Duration::from_secs(10))
            .tcp_user_timeout(Duration::from_secs(15))
            .application_name("tasker");
        let pool = pool(&server, POOL_SIZE)?;
        let mut steps = server.clone();
        steps.config.options(format!("{session}{STEPS}"));
        let steps = self::pool(&steps, STEP_POOL_SIZE)?;
        Ok(Self { pool, steps, server, rendered: RwLock::default() })
    }

    fn render(&self, template: &'static str) -> String {
        if tasker_fault::on("ownclock") {
            let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64();
            let text = Dialect::Postgres.render(template);
            return text.replace("clock_timestamp()", &format!("to_timestamp({now})"));
        }
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
        Ok(PgSession::new(self, connection(&self.pool).await?))
    }

    async fn begin_step(&self) -> Result<PgSession<'_>> {
        Ok(PgSession::new(self, connection(&self.steps).await?))
    }

    async fn migrate(&self) -> Result<()> {
        migrate::run(&self.pool).await
    }

    async fn scrub(&self) -> Result<()> {
        let client = connection(&self.pool).await?;
        client.batch_execute("vacuum full keystore").await.map_err(value::error)
    }

    #[cfg(feature = "conformance")]
    async fn script(&self, sql: &str) -> Result<()> {
        connection(&self.pool)
            .await?
            .batch_execute(&sql.replace(";;", ";"))
            .await
            .map_err(value::error)
    }

    async fn hold_slot(&self, slot: &str) -> Result<Option<SlotGuard>> {
        slot::hold(&self.server, slot).await
    }
}

fn pool(server: &Address, size: usize) -> Result<Pool> {
    let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Pool::builder(Manager::from_config(server.config.clone(), server.tls.clone(), manager))
        .max_size(size)
        .wait_timeout((!tasker_fault::on("nowait")).then_some(POOL_WAIT))
        .create_timeout(Some(CONNECT_WAIT))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|e| StoreError::Unavailable(e.to_string()))
}

/// A connection from the pool, or why there is none.
async fn connection(pool: &Pool) -> Result<Object> {
    use deadpool_postgres::{PoolError, TimeoutType};
    pool.get().await.map_err(|e| match e {
        PoolError::Backend(e) => value::unreachable(e),
        PoolError::Timeout(TimeoutType::Wait) => {
            StoreError::Unavailable("all connections of this process are in use".into())
        }
        PoolError::Timeout(_) => StoreError::Unavailable("the server does not answer".into()),
        other => StoreError::Unavailable(other.to_string()),
    })
}
