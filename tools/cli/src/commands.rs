//! One module per command.

mod control;
mod database;
mod flow;
mod gmail_search;
mod keystore;
mod new;
mod publish;
mod runs;
mod tasks;
mod upgrade;

use std::process::ExitCode;

use crate::{
    args::{Cli, Command},
    client::Client,
};

/// Ctrl-C, as shells say it.
const INTERRUPTED: u8 = 130;

/// Does what was asked.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Migrate(args) => return database::migrate(&args).await,
        Command::Migrations { folder } => return database::migrations(&folder),
        Command::Clear(args) => return database::clear(&args).await,
        Command::Prune(args) => return database::prune(&args).await,
        Command::New(args) => return new::run(&args),
        Command::Flow(ref args) => {
            if let Some(done) = flow::with_files(args)? {
                return Ok(done);
            }
        }
        _ => {}
    }
    let client = Client::new(&cli.connection)?;
    match cli.command {
        Command::GmailSearch(args) => gmail_search::run(&client, &args).await,
        Command::Publish(args) => publish::run(&client, &args).await,
        Command::Submit(args) => tasks::submit(&client, &args).await,
        Command::Watch { id } => tasks::watch(&client, id).await,
        Command::List => tasks::list(&client).await,
        Command::Schema { name } => tasks::schema(&client, &name).await,
        Command::Runs(args) => runs::runs(&client, &args).await,
        Command::Inspect(args) => runs::inspect(&client, &args).await,
        Command::Logs { id, limit } => runs::logs(&client, id, limit).await,
        Command::Status { id } => runs::status(&client, id).await,
        Command::Keystore(args) => keystore::run(&client, &args).await,
        Command::Cancel { id } => control::cancel(&client, id).await,
        Command::Pause { id } => control::pause(&client, id).await,
        Command::Resume { id } => control::resume(&client, id).await,
        Command::Retry(args) => control::retry(&client, &args).await,
        Command::Upgrade(args) => upgrade::run(&client, &args).await,
        Command::Attention => control::attention(&client).await,
        Command::Resolve(args) => control::resolve(&client, &args).await,
        Command::Migrate(_)
        | Command::Migrations { .. }
        | Command::Clear(_)
        | Command::Prune(_)
        | Command::New(_) => Ok(ExitCode::SUCCESS),
        Command::Flow(args) => flow::run(&client, &args).await,
    }
}

/// Says how to come back to a run that goes on.
fn interrupted(id: i64) -> ExitCode {
    eprintln!("\nRun {id} goes on. Watch it again: tasker watch {id}");
    ExitCode::from(INTERRUPTED)
}

/// The reason why a run has no result.
fn why_not_completed(row: &serde_json::Value) -> String {
    let id = crate::render::plain(&row["id"]);
    match row["status"].as_str().unwrap_or_default() {
        "failed" => format!("run {id} failed: {}", crate::render::headline(&row["error"])),
        "needs_attention" => format!(
            "run {id} waits for a person: a call's outcome is unknown and it must not be repeated blindly; \
             `tasker attention` shows which, `tasker resolve` says what became of it"
        ),
        other => format!("run {id} ended as {other}"),
    }
}
