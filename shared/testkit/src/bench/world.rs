//! What a section measures on: a tasker that exists for it alone.

use std::{fmt, path::Path};

use anyhow::{Context as _, ensure};

use super::load::Load;
use crate::{
    chaos::db::Db,
    pg::{Cluster, Database, Durability, Options, Server},
    stack::{Shape, Stack},
};

/// Which database, and with it how many processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Store {
    Sqlite,
    Postgres,
}

impl Store {
    /// For a heading.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite, all services in one process",
            Self::Postgres => "Postgres with fsync on, each service a process",
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}

/// A Postgres of our own whose commits are durable.
pub struct Postgres {
    pub database: Database,
    pub server: Server,
}

impl Postgres {
    pub async fn start() -> anyhow::Result<Self> {
        let options = Options { durability: Durability::Full, ..Options::default() };
        let server = Server::of(Cluster::with(options)?);
        Ok(Self { database: server.database().await?, server })
    }

    /// R: one-row commits a second of one client, by pgbench in 3 seconds. In a database that is not
    /// tasker's, and nobody vacuums its table: none of it is counted as tasker's.
    pub fn r(&self) -> anyhow::Result<f64> {
        let cluster = self.server.cluster().context("the bench needs a cluster of its own")?;
        let run = |program: &str, args: &[&str]| -> anyhow::Result<String> {
            let done = cluster.command(program).args(args).output()?;
            ensure!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
            Ok(String::from_utf8_lossy(&done.stdout).into_owned())
        };
        let name = format!("tasker-pgbench-{}.sql", std::process::id());
        let script = std::env::temp_dir().join(name);
        std::fs::write(&script, "insert into pgbench_commits (n) values (1);\n")?;
        let (path, url) = (script.display().to_string(), self.server.admin_url());
        let table =
            "create table if not exists pgbench_commits (n int) with (autovacuum_enabled = false)";
        run("psql", &["-qd", url, "-c", table])?;
        let text = run("pgbench", &["-n", "-c", "1", "-T", "3", "-f", &path, url])?;
        let _ = std::fs::remove_file(&script);
        tps(&text).with_context(|| format!("no tps in: {text}"))
    }
}

fn tps(text: &str) -> Option<f64> {
    text.lines().find_map(|l| l.strip_prefix("tps = "))?.split(' ').next()?.parse().ok()
}

/// A running tasker and its database. Its parts stop in this order.
pub struct World {
    pub load: Load,
    pub stack: Stack,
    pub postgres: Option<Postgres>,
}

impl World {
    /// Starts it with its files in `dir` and more environment for every process.
    pub async fn start(store: Store, dir: &Path, env: &[(String, String)]) -> anyhow::Result<Self> {
        let postgres = match store {
            Store::Sqlite => None,
            Store::Postgres => Some(Postgres::start().await?),
        };
        Self::on(postgres, dir, env).await
    }

    /// Starts it on that Postgres, or in one process on SQLite.
    pub async fn on(
        postgres: Option<Postgres>,
        dir: &Path,
        env: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let (shape, db) = match &postgres {
            None => (Shape::One, Db::Sqlite(dir.join("tasker.db"))),
            Some(p) => {
                let url = p.database.url().to_owned();
                (Shape::Six(url.clone()), Db::Postgres(url))
            }
        };
        let stack = Stack::start(shape, dir, env).await?;
        Ok(Self { load: Load::new(&stack.url, db)?, stack, postgres })
    }

    /// R now; none on SQLite.
    pub fn r(&self) -> anyhow::Result<Option<f64>> {
        self.postgres.as_ref().map(Postgres::r).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_pgbench_prints() {
        let text = "latency average = 0.2 ms\ntps = 4870.25 (without initial connection time)\n";
        assert_eq!(tps(text), Some(4870.25));
        assert_eq!(tps("nothing"), None);
    }
}
