//! `tasker migrate` and `tasker clear`: the two commands that open the database.

use std::process::ExitCode;

use anyhow::Context;

use crate::{
    args::{Clear, Database},
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
