//! `tasker gmail-search`: submit the search, follow it, show what it found.

use std::{process::ExitCode, time::Instant};

use anyhow::Context;
use serde_json::Value;

use crate::{
    args::GmailSearch,
    client::{Client, ClientError},
    commands::{interrupted, why_not_completed},
    render::{self, duration},
    screen::Screen,
    stats,
    truth::{self, Truth},
    watch::{Watched, follow},
};

/// Name of the task.
const TASK: &str = "comprehensive-gmail-search";

/// Searches; exit 1 if the run fails or the result is not what `--check-truth` expects.
pub async fn run(client: &Client, args: &GmailSearch) -> anyhow::Result<ExitCode> {
    let out = if args.json.as_deref() == Some("-") { Screen::Stderr } else { Screen::Stdout };
    announce(out, args)?;
    // Before the run, which may be long: a misspelt file should be told at once.
    let truth = match &args.check_truth {
        Some(from) => Some(truth::load(client, from, args).await?),
        None => None,
    };
    let started = Instant::now();
    let id = client.submit(TASK, &args.input()).await.map_err(with_hint)?;
    out.line(format_args!("Task submitted. Task Run ID: {id}"))?;
    if args.no_wait {
        out.line(format_args!("Not waiting. Watch it: tasker watch {id}"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let row = match follow(client, id, out).await? {
        Watched::Row(row) => row,
        Watched::Interrupted => return Ok(interrupted(id)),
    };
    anyhow::ensure!(row["status"] == "completed", why_not_completed(&row));
    let wall = i64::try_from(started.elapsed().as_millis())?;
    let result = &row["result"];
    show(out, result)?;
    out.line(format_args!("Search completed in {} (run {id}).", duration(wall)))?;
    if let Some(file) = &args.json {
        write_json(file, result)?;
    }
    if args.stats || truth.is_some() {
        stats::show(client, out, &row, wall, args.stats).await?;
    }
    match truth {
        Some(truth) => check(out, &truth, &row),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// The one refusal that every newcomer meets.
fn with_hint(error: ClientError) -> anyhow::Error {
    let unpublished = matches!(error, ClientError::Refused { status: 404, .. });
    let error = anyhow::Error::new(error);
    if unpublished {
        error.context(format!("cannot submit {TASK}; `tasker publish --all` publishes it"))
    } else {
        error
    }
}

fn announce(out: Screen, args: &GmailSearch) -> std::io::Result<()> {
    let query = if args.query.is_empty() { "(all emails)" } else { &args.query };
    out.line("Comprehensive Gmail Search")?;
    out.line(format_args!("  Query: {query}"))?;
    out.line(format_args!("  Max Users Per Domain: {}", args.max_users_per_domain))?;
    out.line(format_args!("  Max Results Per User: {}", args.max_results_per_user))
}

fn show(out: Screen, result: &Value) -> std::io::Result<()> {
    out.line("\nFinal Results:")?;
    out.line(render::summary_table(out, result))?;
    out.line("\nDomain Breakdown:")?;
    out.line(render::domains_table(out, result))?;
    if let Some(samples) = render::samples_table(out, result) {
        out.line("\nSample Messages:")?;
        out.line(samples)?;
    }
    if let Some(unreachable) = render::unreachable_table(out, result) {
        out.line("\nUnreachable Mailboxes:")?;
        out.line(unreachable)?;
    }
    Ok(())
}

fn write_json(file: &str, result: &Value) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(result)?;
    if file == "-" {
        return Ok(Screen::Stdout.line(text)?);
    }
    std::fs::write(file, text + "\n").with_context(|| format!("cannot write {file}"))
}

fn check(out: Screen, truth: &Truth, row: &Value) -> anyhow::Result<ExitCode> {
    let checks = truth::checks(truth, &row["result"], row["calls"].as_u64());
    out.line("\nGround truth:")?;
    out.line(truth::checks_table(out, &checks))?;
    let wrong: Vec<_> = checks.iter().filter(|check| !check.holds()).collect();
    if wrong.is_empty() {
        out.line("Everything found, nothing else, in order.")?;
        return Ok(ExitCode::SUCCESS);
    }
    for difference in wrong.iter().flat_map(|check| &check.differences).take(10) {
        eprintln!("  {difference}");
    }
    anyhow::bail!("{} of {} checks against the ground truth failed", wrong.len(), checks.len());
}
