//! `make chaos`: breaks tasker in every way it promises to survive, and prints what happened.

use std::process::ExitCode;

use clap::Parser as _;
use tasker_testkit::chaos::{Settings, run};

#[tokio::main]
async fn main() -> ExitCode {
    // Not spawned: the child processes die with the thread that starts them, and this one stays.
    match run(&Settings::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}
