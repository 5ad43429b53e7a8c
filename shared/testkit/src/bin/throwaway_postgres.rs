//! `throwaway-postgres -- COMMAND...`: runs a command against a Postgres that exists only for it.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use tasker_testkit::pg::{Cluster, Durability, Options, Server, URL_VARIABLE};
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};

/// Starts a Postgres, runs COMMAND with DATABASE_URL set to a fresh database with tasker's schema
/// (and TASKER_TEST_DATABASE_URL to the server), passes on its exit code and removes everything.
#[derive(Parser)]
#[command(name = "throwaway-postgres")]
struct Args {
    /// Keep fsync on: for benchmarks and crash tests.
    #[arg(long)]
    durable: bool,
    /// Also listen on this port of 127.0.0.1; DATABASE_URL then names it.
    #[arg(long)]
    port: Option<u16>,
    /// What to run.
    #[arg(trailing_var_arg = true, required = true)]
    command: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let durability = if args.durable { Durability::Full } else { Durability::Careless };
    let cluster = Cluster::with(Options { durability, port: args.port })?;
    let tcp = cluster.tcp_url("postgres");
    let server = Server::of(cluster);
    let server = match tcp {
        Some(admin) => server.reached_at(admin),
        None => server,
    };
    let database = server.database().await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut child = Command::new(&args.command[0])
        .args(&args.command[1..])
        .env("DATABASE_URL", database.url())
        .env(URL_VARIABLE, server.admin_url())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {}", args.command[0]))?;
    // The terminal sends its signals to the command as well; one sent to us alone ends it.
    let status = tokio::select! {
        status = child.wait() => status?,
        _ = interrupt.recv() => child.wait().await?,
        _ = terminate.recv() => {
            child.kill().await?;
            child.wait().await?
        }
    };
    Ok(ExitCode::from(status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(1)))
}
