//! `tasker migrate`, `migrations`, `clear` and `prune`: what the database's schema and rows need.

use std::{fs, path::Path, process::ExitCode, sync::Arc};

use anyhow::Context;
use tasker_store::{Rotate, StorageAdapter};

use crate::{
    args::{Clear, Database, Prune},
    screen::Screen,
};

async fn open(database: &Database) -> anyhow::Result<Arc<dyn StorageAdapter>> {
    tasker_store::connect_with(&database.database_url, &database.keys.settings())
        .await
        .context("cannot open the database")
}

/// Brings the schema up to date.
pub async fn migrate(args: &Database) -> anyhow::Result<ExitCode> {
    let store = open(args).await?;
    store.migrate().await.context("cannot bring the schema up to date")?;
    match store.key_rotate(Rotate::Plain).await {
        Ok(done) if done.sealed > 0 => {
            Screen::Stdout
                .line(format_args!("{} secrets in clear are sealed now.", done.sealed))?;
        }
        Ok(_) => {}
        Err(error) => eprintln!("warning: there are secrets in clear: {error}"),
    }
    Screen::Stdout.line("The schema is up to date.")?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the migrations where a project keeps its own.
pub fn migrations(folder: &Path) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, text) in tasker_store::migrations() {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Screen::Stdout.line(format_args!("{}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Forgets all runs.
pub async fn clear(args: &Clear) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        args.yes,
        "clear forgets every run of the database for good; add --yes to do it"
    );
    let store = open(&args.database).await?;
    store.clear_runs().await.context("cannot clear the runs")?;
    Screen::Stdout.line("All runs are forgotten; tasks and secrets are as they were.")?;
    Ok(ExitCode::SUCCESS)
}

/// Runs forgotten in one transaction.
const BATCH: u32 = 1_000;

/// Forgets runs that ended long ago, in batches that others can work between.
pub async fn prune(args: &Prune) -> anyhow::Result<ExitCode> {
    let store = open(&args.database).await?;
    let (mut forgotten, mut batch) = (0, BATCH);
    loop {
        match store.prune(args.older_than, batch).await {
            Ok(0) => break,
            Ok(some) => {
                forgotten += some;
                eprintln!("  {forgotten} runs forgotten");
            }
            // Too much for one statement's time: these runs have very many calls.
            Err(tasker_store::StoreError::Unavailable(_)) if batch > 1 => batch /= 4,
            Err(error) => {
                return Err(error).context(format!("stopped after {forgotten} runs"));
            }
        }
        batch = batch.max(1);
    }
    Screen::Stdout.line(format_args!("{forgotten} runs are forgotten."))?;
    Ok(ExitCode::SUCCESS)
}
