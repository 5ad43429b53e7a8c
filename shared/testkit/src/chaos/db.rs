//! The database itself, asked as a person would: one SQL text for both kinds.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use tasker_store::StorageAdapter;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// Where the runs are.
#[derive(Clone, Debug)]
pub enum Db {
    /// Address.
    Postgres(String),
    /// File.
    Sqlite(PathBuf),
}

/// A row as text.
pub type Row = Vec<Option<String>>;

/// Logs every change of a row that had ended: there must be none.
const HISTORY: &str = "create table chaos_late (id bigint, what text); \
    create function chaos_late() returns trigger language plpgsql as $$ begin \
      if old.status in ('completed', 'failed', 'cancelled') and (new.status <> old.status \
         or new.result::text is distinct from old.result::text \
         or new.error::text is distinct from old.error::text) then \
        insert into chaos_late values (old.id, old.status || ' to ' || new.status); end if; \
      return null; end $$; \
    create trigger chaos_late after update on stack_runs for each row execute function chaos_late(); \
    create trigger chaos_late after update on task_runs for each row execute function chaos_late()";

impl Db {
    /// Runs a query, on a connection of its own.
    pub async fn rows(&self, sql: &str) -> anyhow::Result<Vec<Row>> {
        match self {
            Self::Postgres(url) => {
                let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
                let connection = tokio::spawn(connection);
                let answers = client.simple_query(sql).await.context("query")?;
                drop(client);
                let _ = connection.await;
                Ok(answers.into_iter().filter_map(row).collect())
            }
            Self::Sqlite(path) => sqlite(path, sql),
        }
    }

    /// The first column of the first row as a number; 0 if there is none.
    pub async fn number(&self, sql: &str) -> anyhow::Result<i64> {
        let rows = self.rows(sql).await?;
        let first = rows.into_iter().next().and_then(|r| r.into_iter().next().flatten());
        Ok(first.map_or(Ok(0), |n| n.parse())?)
    }

    /// Starts to log changes of rows that had ended (Postgres only).
    pub async fn watch_history(&self) -> anyhow::Result<()> {
        if let Self::Postgres(_) = self {
            self.rows(HISTORY).await?;
        }
        Ok(())
    }

    /// Changes of rows that had ended.
    pub async fn late_changes(&self) -> anyhow::Result<i64> {
        match self {
            Self::Postgres(_) => self.number("select count(*) from chaos_late").await,
            Self::Sqlite(_) => Ok(0),
        }
    }

    /// Logs them no more: a person is about to open runs again.
    pub async fn forget_history(&self) -> anyhow::Result<()> {
        let off = "alter table stack_runs disable trigger chaos_late; \
            alter table task_runs disable trigger chaos_late";
        if let Self::Postgres(_) = self {
            self.rows(off).await?;
        }
        Ok(())
    }

    /// The store on it; SQLite's only while no process has it.
    pub async fn store(&self) -> anyhow::Result<Arc<dyn StorageAdapter>> {
        Ok(match self {
            Self::Postgres(url) => tasker_store::connect(url).await?,
            Self::Sqlite(path) => {
                tasker_store::connect(&format!("sqlite:{}", path.display())).await?
            }
        })
    }
}

fn row(message: SimpleQueryMessage) -> Option<Row> {
    let SimpleQueryMessage::Row(row) = message else { return None };
    Some((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect())
}

fn sqlite(path: &PathBuf, sql: &str) -> anyhow::Result<Vec<Row>> {
    use rusqlite::types::Value;
    let connection = rusqlite::Connection::open(path)?;
    connection.execute_batch("pragma busy_timeout = 5000")?;
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |r| {
        let text = |i| {
            Ok(match r.get::<_, Value>(i)? {
                Value::Null => None,
                Value::Integer(n) => Some(n.to_string()),
                Value::Real(n) => Some(n.to_string()),
                Value::Text(t) => Some(t),
                Value::Blob(b) => Some(String::from_utf8_lossy(&b).into_owned()),
            })
        };
        (0..columns).map(text).collect()
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
