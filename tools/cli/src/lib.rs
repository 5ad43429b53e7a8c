//! The command line of tasker. [`Cli`] is what can be typed; [`run`] does it.
//!
//! Everything but `migrate` and `clear` goes over HTTP, as any client's requests do.

mod args;
mod client;
mod commands;
mod input;
mod progress;
mod render;
mod screen;
mod stats;
mod truth;
mod watch;

use std::process::ExitCode;

pub use args::{Cli, Command};
pub use client::{Client, ClientError};
pub use progress::Progress;
pub use truth::{Check, Truth, checks};

/// Does what was asked. The exit code is 0, 1 if the run it waited for failed, or 130 on Ctrl-C.
/// Errors are for a person to read.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    commands::run(cli).await
}
