//! Applies supabase/migrations and records them where Supabase's own tool does.

use deadpool_postgres::Pool;

use super::value::error;
use crate::{Result, StoreError};

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
    migration!("20261124113000", "outcomes"),
    migration!("20261124160000", "processor_starts"),
    migration!("20261127040000", "step"),
];

/// The lock ends with the transaction, so it also works behind a connection pooler.
const HISTORY: &str = "\
select pg_advisory_xact_lock(20261122000000);
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations
  (version text primary key, statements text[], name text);";

/// SQLSTATEs of what is made a second time: a schema, a table, a column, anything else.
const THERE: [&str; 4] = ["42P06", "42P07", "42701", "42710"];

/// The schema is there and the history does not know it: made in an editor, brought by a dump, or
/// the history was repaired the wrong way.
fn explained(error: StoreError, missing: &[&str]) -> StoreError {
    let StoreError::Invalid { code, message } = error else { return error };
    if !THERE.contains(&code.as_str()) {
        return StoreError::Invalid { code, message };
    }
    let rows = missing.iter().map(|version| format!("('{version}')")).collect::<Vec<_>>();
    let message = format!(
        "{message}, and supabase_migrations.schema_migrations does not say so. Nothing was \
         changed. If the tables are tasker's and complete, record it: `supabase migration repair \
         --status applied {}`, or with SQL: insert into supabase_migrations.schema_migrations \
         (version) values {}",
        missing.join(" "),
        rows.join(", ")
    );
    StoreError::Invalid { code, message }
}

/// Applies what is missing; two processes at once wait for each other.
pub async fn run(pool: &Pool) -> Result<()> {
    let mut client = super::connection(pool).await?;
    let tx = client.transaction().await.map_err(error)?;
    // An index on a large table takes longer than any statement of a verb may.
    let patient = "set local lock_timeout = '30s'; set local statement_timeout = 0";
    tx.batch_execute(patient).await.map_err(error)?;
    tx.batch_execute(HISTORY).await.map_err(error)?;
    let known = "select version from supabase_migrations.schema_migrations";
    let known = tx.query(known, &[]).await.map_err(error)?;
    let known: Vec<String> = known.iter().map(|row| row.get(0)).collect();
    let missing: Vec<_> = MIGRATIONS.iter().filter(|m| !known.iter().any(|k| k == m.0)).collect();
    let versions: Vec<&str> = missing.iter().map(|m| m.0).collect();
    for (version, name, text) in missing {
        tx.batch_execute(text).await.map_err(|e| explained(error(e), &versions))?;
        let record = "insert into supabase_migrations.schema_migrations (version, name, statements) \
                      values ($1, $2, array[$3])";
        tx.execute(record, &[&version, &name, &text]).await.map_err(error)?;
        tracing::info!(version, name, "migration applied");
    }
    tx.commit().await.map_err(error)
}
