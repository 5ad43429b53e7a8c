//! tasker for development.
//!
//! * `tasker-dev` serves all services on one port over one SQLite file; `--watch-dir` publishes
//!   task code as it is saved.
//! * `tasker-dev processes` starts the binaries of all services and a gateway in front of them.
//! * `tasker-dev gateway` is that gateway alone.
//!
//! The services meet over HTTP in each of these, as they do in production.

mod forward;
mod gateway;
mod one;
mod processes;
mod registered;
mod reload;
mod settings;
mod task_routes;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// All services on one port, for development.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    one: one::Args,
}

#[derive(Subcommand)]
enum Command {
    /// Start the services' binaries that lie beside this one, and a gateway.
    Processes(processes::Args),
    /// Forward /functions/v1/NAME to services with an address of their own.
    Gateway(Box<gateway::Args>),
}

fn main() -> ExitCode {
    // The executor's workers are this program too.
    deno_executor::worker_main().unwrap_or_else(|| start(Args::parse()))
}

fn start(args: Args) -> ExitCode {
    match args.command {
        None => one::serve(args.one),
        Some(Command::Processes(args)) => processes::serve(args),
        Some(Command::Gateway(args)) => gateway::serve(*args),
    }
}
