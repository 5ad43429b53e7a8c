//! wrappedsupabase: the database for task code, as a supabase-js call chain.

use std::process::ExitCode;

use clap::Parser;
use tasker_http::{CommonArgs, mount, run};
use wrappedsupabase::{State, SupabaseArgs, router};

const NAME: &str = "wrappedsupabase";

/// The database for task code, as a supabase-js call chain.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    supabase: SupabaseArgs,
}

fn main() -> ExitCode {
    let Cli { common, supabase } = Cli::parse();
    run(NAME, &common, async |_| {
        let store =
            tasker_store::connect_with(&common.database_url, &common.keys.settings()).await?;
        let state = State::new(store).with(&supabase, &common.gate)?;
        anyhow::Ok((mount(NAME, router(state)), std::future::ready(())))
    })
}
