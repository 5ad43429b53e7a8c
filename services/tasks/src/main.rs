//! tasks: accepts tasks and answers how they do.

use std::process::ExitCode;

use clap::Parser;
use tasker_http::{CommonArgs, Peers, mount, run};
use tasks::{State, router};

const NAME: &str = "tasks";

/// Accepts tasks: publish, execute, status, logs, list, schema, runs.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { common } = Cli::parse();
    run(NAME, &common, async |_| {
        let peers = Peers::new(&common)?;
        let store = tasker_store::connect(&common.database_url).await?;
        let routes = mount(NAME, router(State::new(store, peers.clone())));
        anyhow::Ok((routes, async move { peers.drain().await }))
    })
    .await
}
