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

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { common } = Cli::parse();
    run(NAME, &common, async |_| {
        let store = tasker_store::connect(&common.database_url).await?;
        anyhow::Ok((mount(NAME, router(State::new(store))), std::future::ready(())))
    })
    .await
}
