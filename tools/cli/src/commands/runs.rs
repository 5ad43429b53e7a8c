//! `tasker runs`, `inspect`, `logs` and `status`.

use std::process::ExitCode;

use serde_json::Value;

use crate::{
    args::{Inspect, Runs},
    client::{self, Client},
    progress::Progress,
    render::{headline, one_line, plain, run_header, runs_table, stack_runs_table},
    screen::Screen,
};

const OUT: Screen = Screen::Stdout;
/// Characters of a result that `inspect` shows unless asked for all.
const RESULT_SHOWN: usize = 2000;
/// Log lines that `inspect` shows.
const LINES_SHOWN: usize = 20;

/// Lists runs.
pub async fn runs(client: &Client, args: &Runs) -> anyhow::Result<ExitCode> {
    let mut query = vec![("limit", args.limit.to_string())];
    query.extend(args.status.clone().map(|status| ("status", status)));
    query.extend(args.task.clone().map(|task| ("task", task)));
    let runs = client::list(client.get("tasks/runs", &query).await?, "runs");
    OUT.line(runs_table(OUT, &runs))?;
    Ok(ExitCode::SUCCESS)
}

/// Shows a run and its calls.
pub async fn inspect(client: &Client, args: &Inspect) -> anyhow::Result<ExitCode> {
    let run = client.stack_runs(args.id, args.after, args.limit).await?;
    OUT.line(run_header(OUT, &run))?;
    let rows = run["stack_runs"].as_array().map(Vec::as_slice).unwrap_or_default();
    OUT.line(stack_runs_table(OUT, rows))?;
    if u32::try_from(rows.len()).is_ok_and(|shown| shown >= args.limit) {
        let last = rows.last().map(|row| plain(&row["id"])).unwrap_or_default();
        OUT.line(format_args!("More may follow: tasker inspect {} --after {last}", args.id))?;
    }
    if !run["error"].is_null() {
        OUT.line(format_args!("\nError: {}", headline(&run["error"])))?;
        if let Some(stack) = run["error"]["stack"].as_str() {
            OUT.line(stack)?;
        }
    }
    if !run["result"].is_null() {
        OUT.line("\nResult:")?;
        show_result(&run["result"], args.full)?;
    }
    let mut lines = client.logs(args.id, 500).await?;
    // Progress was for those who watched; `tasker logs` has it still.
    lines
        .retain(|line| line["message"].as_str().is_none_or(|text| Progress::parse(text).is_none()));
    if !lines.is_empty() {
        let last = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
        OUT.line(format_args!("\nLog (last {}):", last.len()))?;
        print_lines(last)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what a run logged.
pub async fn logs(client: &Client, id: i64, limit: u32) -> anyhow::Result<ExitCode> {
    print_lines(&client.logs(id, limit).await?)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a run's row.
pub async fn status(client: &Client, id: i64) -> anyhow::Result<ExitCode> {
    OUT.line(serde_json::to_string_pretty(&client.status(id).await?)?)?;
    Ok(ExitCode::SUCCESS)
}

fn show_result(result: &Value, full: bool) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(result)?;
    let cut = text.char_indices().nth(RESULT_SHOWN).map(|(at, _)| at).filter(|_| !full);
    OUT.line(&text[..cut.unwrap_or(text.len())])?;
    if cut.is_some() {
        OUT.line(format_args!("… ({} bytes in all; --full prints them)", text.len()))?;
    }
    Ok(())
}

fn print_lines(lines: &[Value]) -> std::io::Result<()> {
    for line in lines {
        let message = one_line(&plain(&line["message"]), 10_000);
        OUT.line(format_args!("{} {:5} {message}", plain(&line["at"]), plain(&line["level"])))?;
    }
    Ok(())
}
