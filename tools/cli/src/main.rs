//! `tasker`: the command line of the task runner.

use std::process::ExitCode;

use clap::Parser;
use tasker_cli::Cli;

fn main() -> ExitCode {
    // reqwest is built without a TLS provider of its own. Err says that one is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tasker: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(Box::pin(tasker_cli::run(cli)));
    // A read of standard input that is still open must not hold up the exit after Ctrl-C.
    runtime.shutdown_background();
    code
}

/// `tasker runs | head` is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
