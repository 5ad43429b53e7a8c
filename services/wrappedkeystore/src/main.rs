//! wrappedkeystore: secrets for task code and for the other services.

use std::process::ExitCode;

use clap::Parser;
use tasker_http::{CommonArgs, mount, run};
use wrappedkeystore::{State, router};

const NAME: &str = "wrappedkeystore";

/// Secrets for task code and for the other services.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
}

fn main() -> ExitCode {
    let Cli { common } = Cli::parse();
    run(NAME, &common, async |_| {
        let store = tasker_store::connect_with(&common.database_url, &common.sealing()?).await?;
        let state = State::new(store);
        let preparing = state.clone();
        tokio::spawn(async move { preparing.prepare().await });
        anyhow::Ok((mount(NAME, router(state)), std::future::ready(())))
    })
}
