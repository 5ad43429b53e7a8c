//! What Postgres counts.

use std::time::Duration;

use tokio_postgres::NoTls;

use super::world::Postgres;

/// An idle connection reports what it counted ten seconds after its last transaction.
const REPORTED: Duration = Duration::from_millis(10_500);

/// Counts so far.
#[derive(Clone, Copy)]
pub struct Counters {
    /// Transactions committed in tasker's database.
    pub commits: i64,
    /// Bytes of WAL that the whole cluster has written.
    pub wal: i64,
}

impl Counters {
    /// Reads them, from another database, once all connections have reported theirs. Nothing may be
    /// at work.
    pub async fn read(postgres: &Postgres) -> anyhow::Result<Self> {
        let (client, connection) =
            tokio_postgres::connect(postgres.server.admin_url(), NoTls).await?;
        let connection = tokio::spawn(connection);
        let sql = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint";
        let wal = client.query_one(sql, &[]).await?.try_get(0)?;
        tokio::time::sleep(REPORTED).await;
        let sql = "select xact_commit from pg_stat_database where datname = $1::text";
        let commits = client.query_one(sql, &[&postgres.database.name()]).await?.try_get(0)?;
        drop(client);
        connection.await??;
        Ok(Self { commits, wal })
    }
}
