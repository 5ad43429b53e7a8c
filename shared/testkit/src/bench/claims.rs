//! How long a claim takes when few and when very many runs are ready.

use std::{path::Path, sync::Arc, time::Instant};

use anyhow::Context as _;
use tasker_core::json;
use tasker_store::{NewRun, StorageAdapter};

use super::{
    table::{Line, Table, median, percentile},
    world::{Postgres, Store},
};
use crate::chaos::db::Db;

const PENDING: [u32; 2] = [100, 100_000];
const CLAIMS: u32 = 500;
/// Claims before those that are timed: statements are prepared, pages are in memory.
const WARM_UP: u32 = 20;

/// Both depths, each on a database of its own.
pub async fn measure(store: Store, dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir)?;
    for pending in PENDING {
        let postgres = match store {
            Store::Sqlite => None,
            Store::Postgres => Some(Postgres::start().await?),
        };
        let db = match &postgres {
            Some(postgres) => Db::Postgres(postgres.database.url().to_owned()),
            None => Db::Sqlite(dir.join(format!("{pending}.db"))),
        };
        let store = filled(&db, pending).await?;
        let r = || postgres.as_ref().map(Postgres::r).transpose();
        let before = r()?;
        let times = claims(&store).await?;
        table.line(&Line {
            what: &format!("a claim, {pending} runs ready"),
            value: format!("p50 {:.2} ms, p99 {:.2} ms", median(&times), percentile(&times, 0.99)),
            r: before.zip(r()?),
            how: "500 calls of the store's `claim` one after the other, 64 shares; \
                  each is followed by a new run, so that as many stay ready",
            ..Line::default()
        })?;
    }
    Ok(())
}

/// The store with that many runs ready. It is opened again after them: on SQLite a store numbers
/// its rows from the last one it finds.
async fn filled(db: &Db, pending: u32) -> anyhow::Result<Arc<dyn StorageAdapter>> {
    drop(db.store().await?);
    fill(db, pending).await?;
    db.store().await
}

/// Makes ready runs in all shares, as if they had been submitted; the planner knows of them.
async fn fill(db: &Db, pending: u32) -> anyhow::Result<()> {
    let tasks = format!(
        "insert into task_runs (task_name, input, status) \
         with recursive g (n) as (select 1 union all select n + 1 from g where n < {pending}) \
         select 'waiting', 'null', 'pending' from g"
    );
    let roots = "insert into stack_runs (parent_task_run_id, kind, seq, service_name, method_name, \
           args, status, idempotent, vm_state, runnable, share) \
         select id, 'task', -1, 'deno-executor', 'execute', '[\"waiting\"]', 'pending', true, \
           '{\"taskCode\":\"module.exports = () => 1;\"}', true, id % 64 from task_runs";
    for sql in [tasks.as_str(), roots, "analyze"] {
        db.rows(sql).await?;
    }
    Ok(())
}

/// Milliseconds of each claim.
async fn claims(store: &Arc<dyn StorageAdapter>) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for n in 0..WARM_UP + CLAIMS {
        let began = Instant::now();
        let found = store.claim("bench").await?;
        let took = began.elapsed().as_secs_f64() * 1e3;
        found.context("nothing was ready")?;
        if n >= WARM_UP {
            times.push(took);
        }
        let code = Some("module.exports = () => 1;".to_owned());
        // The name decides on the share.
        let name = format!("waiting-{n}");
        store.submit(&NewRun { name, input: json::null(), code, parent: None }).await?;
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn claims_find_what_was_filled_in() {
        let dir = std::env::temp_dir().join(format!("tasker-bench-claims-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let db = Db::Sqlite(dir.join("test.db"));
        let store = filled(&db, 30).await.unwrap();
        assert_eq!(claims(&store).await.unwrap().len(), 500);
        let open = "select count(*) from stack_runs where status = 'pending'";
        assert_eq!(db.number(open).await.unwrap(), 30, "as many stay ready");
        assert_eq!(store.check_invariants().await.unwrap(), Vec::<String>::new());
        drop(store);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
