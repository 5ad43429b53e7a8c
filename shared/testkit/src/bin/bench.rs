//! `make bench`: what tasker costs on this machine, beside what its database can do at all in the
//! same minute. Prints tables; asserts nothing.

use std::process::ExitCode;

use clap::Parser as _;
use tasker_testkit::bench::{Settings, run};

#[tokio::main]
async fn main() -> ExitCode {
    // Not spawned: the child processes die with the thread that starts them, and this one stays.
    match run(&Settings::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
