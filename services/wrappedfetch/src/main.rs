//! wrappedfetch: requests to the outside for task code.

use std::process::ExitCode;

use clap::Parser;
use tasker_http::{CommonArgs, mount, run};
use wrappedfetch::{FetchArgs, State, router};

const NAME: &str = "wrappedfetch";

/// Requests to the outside for task code.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    fetch: FetchArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    run(NAME, &cli.common, async |_| {
        let state = State::new(&cli.fetch)?;
        anyhow::Ok((mount(NAME, router(state)), std::future::ready(())))
    })
}
