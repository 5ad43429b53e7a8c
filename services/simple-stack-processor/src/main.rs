//! The simple-stack-processor service.

use std::process::ExitCode;

use clap::Parser;
use simple_stack_processor::{ProcessorArgs, State, direct, router};
use tasker_http::{CommonArgs, OwnArgs, Peers, mount, run};
use tasker_store::SlotGuard;

/// Works on stack runs, one hop a request.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    processor: ProcessorArgs,
    /// Where this very process reaches itself, if not at the address it listens on.
    #[arg(long, env = "TASKER_OWN_URL")]
    own_url: Option<String>,
    #[command(flatten)]
    own: OwnArgs,
}

const NAME: &str = "simple-stack-processor";

fn main() -> ExitCode {
    let args = Args::parse();
    run(NAME, &args.common, async |address| {
        let store =
            tasker_store::connect_with(&args.common.database_url, &args.common.sealing()?).await?;
        let held = store.hold_slot(&args.processor.slot).await?;
        let listens = format!("http://{address}/functions/v1/{NAME}");
        // Its own triggers come back to this process, not to a replica behind the same name.
        let itself = args.own_url.clone().unwrap_or_else(|| listens.clone());
        let peers = Peers::new(&args.common)?.with_service(NAME, itself);
        let own = args.own.url(NAME, address).unwrap_or(listens);
        let state = State::new(store, peers, &args.processor, own);
        let started = state.clone();
        let created = held.as_ref().map(SlotGuard::created);
        tokio::spawn(async move { started.start(created).await });
        let routes = (mount(NAME, router(state.clone())), direct(&state));
        Ok((routes, async move {
            state.drain().await;
            drop(held);
        }))
    })
}
