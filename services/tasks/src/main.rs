//! tasks: accepts tasks and answers how they do.

use std::process::ExitCode;

use clap::Parser;
use tasker_http::{CommonArgs, Peers, mount, run};
use tasks::{State, TasksArgs, router};

const NAME: &str = "tasks";

/// Accepts tasks: publish, execute, status, logs, list, schema, runs.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    tasks: TasksArgs,
}

fn main() -> ExitCode {
    let Cli { common, tasks } = Cli::parse();
    run(NAME, &common, async |_| {
        let peers = Peers::new(&common)?;
        let store = tasker_store::connect_with(&common.database_url, &common.sealing()?).await?;
        let state = State::new(store, peers.clone()).with(&tasks);
        let routes = mount(NAME, router(state));
        anyhow::Ok((routes, async move { peers.drain().await }))
    })
}
