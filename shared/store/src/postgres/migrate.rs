//! Applies supabase/migrations and records them where Supabase's own tool does.

use deadpool_postgres::Pool;

use super::value::error;
use crate::Result;

macro_rules! migration {
    ($version:literal, $name:literal) => {
        (
            $version,
            $name,
            include_str!(concat!("../../../../supabase/migrations/", $version, "_", $name, ".sql")),
        )
    };
}

/// Version (14 digits of the file name), name, text; in the order of the versions.
pub const MIGRATIONS: &[(&str, &str, &str)] = &[
    migration!("20261122000000", "tasker"),
    migration!("20261124093000", "fair_claims"),
    migration!("20261124100000", "keystore_sealing"),
    migration!("20261124100100", "from_original"),
    migration!("20261124100200", "access"),
    migration!("20261124100300", "pg_cron_kick"),
    migration!("20261124100400", "owners"),
];

/// The lock ends with the transaction, so it also works behind a connection pooler.
const HISTORY: &str = "\
select pg_advisory_xact_lock(20261122000000);
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations
  (version text primary key, statements text[], name text);";

/// Applies what is missing; two processes at once wait for each other.
pub async fn run(pool: &Pool) -> Result<()> {
    let mut client = super::connection(pool).await?;
    let tx = client.transaction().await.map_err(error)?;
    // An index on a large table takes longer than any statement of a verb may.
    let patient = "set local lock_timeout = '30s'; set local statement_timeout = 0";
    tx.batch_execute(patient).await.map_err(error)?;
    tx.batch_execute(HISTORY).await.map_err(error)?;
    for (version, name, text) in MIGRATIONS {
        let known = "select 1 from supabase_migrations.schema_migrations where version = $1";
        if tx.query_opt(known, &[&version]).await.map_err(error)?.is_some() {
            continue;
        }
        tx.batch_execute(text).await.map_err(error)?;
        let record = "insert into supabase_migrations.schema_migrations (version, name, statements) \
                      values ($1, $2, array[$3])";
        tx.execute(record, &[&version, &name, &text]).await.map_err(error)?;
        tracing::info!(version, name, "migration applied");
    }
    tx.commit().await.map_err(error)
}
