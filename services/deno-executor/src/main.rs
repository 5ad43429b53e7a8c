//! The deno-executor service. Started as `deno-executor worker` it is one of its own workers.

use std::process::ExitCode;

use clap::Parser;
use deno_executor::{ExecutorArgs, State, direct, router, worker_main};
use tasker_http::{CommonArgs, OwnArgs, Peers, mount, run};

/// Runs task code.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    executor: ExecutorArgs,
    #[command(flatten)]
    own: OwnArgs,
}

fn main() -> ExitCode {
    worker_main().unwrap_or_else(|| serve(&Args::parse()))
}

fn serve(args: &Args) -> ExitCode {
    run("deno-executor", &args.common, async |address| {
        let store =
            tasker_store::connect_with(&args.common.database_url, &args.common.sealing()?).await?;
        let own = args.own.url("deno-executor", address);
        let state = State::new(store, Peers::new(&args.common)?, &args.executor, own)?;
        let routes = (mount("deno-executor", router(state.clone())), direct(&state));
        Ok((routes, async move { state.drain().await }))
    })
}
