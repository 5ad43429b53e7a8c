//! wrappedgapi: every Google API method of 24 discovery documents behind one POST endpoint.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tasker_http::{CommonArgs, Peers, mount, run};
use wrappedgapi::{Catalogue, Config, GapiArgs, PeerKeystore, State, direct, router};

const NAME: &str = "wrappedgapi";

/// Calls Google APIs for task code.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    gapi: GapiArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    run(NAME, &cli.common, async |_| {
        let peers = Peers::new(&cli.common)?;
        let state = state(&cli.gapi, peers.clone())?;
        let routes = (mount(NAME, router(state.clone())), direct(&state));
        anyhow::Ok((routes, async move { peers.drain().await }))
    })
}

fn state(args: &GapiArgs, peers: Peers) -> anyhow::Result<State> {
    let config = Config::new(args, std::env::vars())?;
    let catalogue = match &args.discovery_dir {
        Some(directory) => Catalogue::with_directory(directory)?,
        None => Catalogue::from_embedded(),
    };
    Ok(State::new(config, catalogue, Arc::new(PeerKeystore(peers)))?)
}
