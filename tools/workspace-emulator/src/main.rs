//! `workspace-emulator`: serves a local Google Workspace, or prints what a search of it must find.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use workspace_emulator::world::FIXED_NOW_MS;
use workspace_emulator::{Config, Emulator, WorldConfig, build_world, truth};

/// A local Google Workspace for tests: token endpoint, Directory and Gmail over a reproducible world
#[derive(Debug, Parser)]
#[command(name = "workspace-emulator", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    world: WorldArgs,
    /// Port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Address to listen on; /_admin answers loopback peers only
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// URL that clients use, if it is not the address listened on
    #[arg(long)]
    public_url: Option<String>,
    /// Write a service-account key here (mode 0600); a key that an earlier start wrote is used again
    #[arg(long, value_name = "FILE")]
    write_key: Option<PathBuf>,
    /// Scopes delegated to the service account, instead of the usual ones (repeat or comma-separate)
    #[arg(long, value_delimiter = ',', value_name = "SCOPE")]
    delegated_scope: Vec<String>,
    /// Milliseconds that every call takes at least
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what a Gmail search over the whole Workspace must find, as JSON
    Truth(TruthArgs),
}

#[derive(Debug, Args)]
struct TruthArgs {
    #[command(flatten)]
    world: WorldArgs,
    /// Gmail search; empty finds everything outside of spam and trash
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    query: String,
    /// Users per domain, first by address
    #[arg(long, default_value_t = 500)]
    max_users: usize,
    /// Messages per user, newest first
    #[arg(long, default_value_t = 500)]
    max_results: usize,
}

#[derive(Debug, Args)]
struct WorldArgs {
    /// Everything is derived from this number
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Users in each domain, the primary domain first
    #[arg(long, value_delimiter = ',', default_values_t = [40, 30, 20, 8])]
    users_per_domain: Vec<usize>,
    /// Messages that the empty query finds per user; spam and trash come on top
    #[arg(long, default_value_t = 300)]
    messages_per_user: usize,
    /// The world's clock (RFC 3339) instead of the constant 2026-11-20T12:00:00Z
    #[arg(long)]
    now: Option<jiff::Timestamp>,
    /// A person whose tokens are refused: address, or number from 1 (repeatable)
    #[arg(long, value_name = "WHO")]
    suspended_user: Vec<String>,
    /// A person whose mail cannot be read: address, or number from 1 (repeatable)
    #[arg(long, value_name = "WHO")]
    no_mailbox: Vec<String>,
}

impl WorldArgs {
    fn into_config(self) -> Config {
        let now_ms = self.now.map_or(FIXED_NOW_MS, jiff::Timestamp::as_millisecond);
        let (seed, users_per_domain) = (self.seed, self.users_per_domain);
        let messages_per_user = self.messages_per_user;
        Config {
            world: WorldConfig { seed, users_per_domain, messages_per_user, now_ms },
            suspended: self.suspended_user,
            no_mailbox: self.no_mailbox,
            ..Config::default()
        }
    }
}

fn main() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let mut cli = Cli::parse();
    match cli.command.take() {
        Some(Command::Truth(args)) => print_truth(args),
        None => serve(cli),
    }
}

fn print_truth(args: TruthArgs) -> anyhow::Result<()> {
    let world = build_world(&args.world.into_config())?;
    let found = truth(&world, &args.query, args.max_users, args.max_results);
    let mut out = std::io::stdout().lock();
    let text = serde_json::to_string_pretty(&found)?;
    match writeln!(out, "{text}") {
        // The reader, such as `head`, has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

#[tokio::main]
async fn serve(cli: Cli) -> anyhow::Result<()> {
    let mut config = cli.world.into_config();
    (config.port, config.host, config.latency_ms) = (cli.port, cli.host, cli.latency_ms);
    (config.public_url, config.write_key) = (cli.public_url, cli.write_key);
    if !cli.delegated_scope.is_empty() {
        config.delegated_scopes = cli.delegated_scope;
    }
    // Before the ready line: whoever reads it may signal at once.
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT")?;
    let running = Emulator::start(config).await?;
    let world = &running.app().world;
    let (url, admin) = (&running.url, &running.admin);
    let (domains, users) = (world.domains.len(), world.users.len());
    let mut out = std::io::stdout();
    writeln!(
        out,
        "workspace-emulator ready url={url} admin={admin} domains={domains} users={users}"
    )?;
    out.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.shutdown().await;
    Ok(())
}
