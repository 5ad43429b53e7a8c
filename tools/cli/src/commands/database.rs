//! `tasker migrate`, `clear` and `prune`: the commands that open the database.

use std::process::ExitCode;

use anyhow::Context;

use crate::{
    args::{Clear, Database, Prune},
    screen::Screen,
};

/// Brings the schema up to date.
pub async fn migrate(args: &Database) -> anyhow::Result<ExitCode> {
    let store =
        tasker_store::connect(&args.database_url).await.context("cannot open the database")?;
    store.migrate().await.context("cannot bring the schema up to date")?;
    Screen::Stdout.line("The schema is up to date.")?;
    Ok(ExitCode::SUCCESS)
}

/// Forgets all runs.
pub async fn clear(args: &Clear) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        args.yes,
        "clear forgets every run of the database for good; add --yes to do it"
    );
    let store = tasker_store::connect(&args.database.database_url)
        .await
        .context("cannot open the database")?;
    store.clear_runs().await.context("cannot clear the runs")?;
    Screen::Stdout.line("All runs are forgotten; tasks and secrets are as they were.")?;
    Ok(ExitCode::SUCCESS)
}

/// Runs forgotten in one transaction.
const BATCH: u32 = 1_000;

/// Forgets runs that ended long ago, in batches that others can work between.
pub async fn prune(args: &Prune) -> anyhow::Result<ExitCode> {
    let store = tasker_store::connect(&args.database.database_url)
        .await
        .context("cannot open the database")?;
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
