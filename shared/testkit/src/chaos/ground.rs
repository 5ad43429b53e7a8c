//! The database that a world stands on.

use std::{path::Path, sync::Arc};

use anyhow::ensure;

use super::{Case, before, db::Db};
use crate::{
    pg::{Cluster, Database, Durability, Options, Server},
    process::bin_dir,
};

/// What is there before the processes start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ground {
    /// The schema.
    #[default]
    Fresh,
    /// The schema, in a Postgres that does not wait for its disk unless a session asks for it.
    LazyDisk,
    /// The schema, in a database of an encoding that has not every character.
    Latin1,
    /// What the release before left when it was killed, brought up to date.
    Release,
}

/// A database, and who keeps it. Dropped in this order.
pub struct Standing {
    pub db: Db,
    pub database: Option<Database>,
    pub server: Option<Arc<Server>>,
}

impl Ground {
    /// Makes the database.
    pub async fn stand(self, case: &Case, dir: &Path) -> anyhow::Result<Standing> {
        if case.sqlite {
            let db = Db::Sqlite(dir.join("tasker.db"));
            if self == Self::Release {
                before::load(&db).await?;
            }
            // Its process brings it up to date.
            return Ok(Standing { db, database: None, server: None });
        }
        let options = Options { durability: Durability::Full, port: None };
        let cluster = tokio::task::spawn_blocking(move || Cluster::with(options)).await??;
        if self == Self::LazyDisk {
            lazy(&Db::Postgres(cluster.url("postgres"))).await?;
        }
        let server = Server::of(cluster);
        let database = match self {
            Self::Fresh | Self::LazyDisk => server.empty_database().await?,
            Self::Latin1 => server.latin1_database().await?,
            Self::Release => server.empty_database().await?,
        };
        let db = Db::Postgres(database.url().to_owned());
        if self == Self::Release {
            before::load(&db).await?;
        }
        migrate(database.url())?;
        if self == Self::LazyDisk {
            db.rows("checkpoint").await?;
        }
        Ok(Standing { db, database: Some(database), server: Some(Arc::new(server)) })
    }
}

async fn lazy(admin: &Db) -> anyhow::Result<()> {
    admin.rows("alter system set synchronous_commit = off").await?;
    admin.rows("alter system set wal_writer_delay = '10s'").await?;
    admin.rows("alter system set wal_writer_flush_after = '1GB'").await?;
    admin.rows("select pg_reload_conf()").await?;
    Ok(())
}

/// As its users do it.
fn migrate(url: &str) -> anyhow::Result<()> {
    let mut command = std::process::Command::new(bin_dir()?.join("tasker"));
    let done = command.args(["migrate", "--database-url", url]).output()?;
    ensure!(done.status.success(), "tasker migrate: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}
