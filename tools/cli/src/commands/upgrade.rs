//! `tasker upgrade`.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::{
    args::Upgrade,
    client::{self, Client},
    render::plain,
    screen::Screen,
};

/// Moves runs to the newest version of their code; exit 1 if one of them was refused.
pub async fn run(client: &Client, args: &Upgrade) -> anyhow::Result<ExitCode> {
    let mut body = json!({ "dryRun": args.dry_run });
    match &args.task {
        Some(task) => body["task_identifier"] = task.as_str().into(),
        None => body["taskRunId"] = args.id.into(),
    }
    let answer = client.post("tasks/upgrade", &body).await?;
    let runs = match &args.task {
        Some(_) => client::list(answer.clone(), "runs"),
        None => vec![answer["data"].clone()],
    };
    if let (true, Some(task)) = (runs.is_empty(), &args.task) {
        Screen::Stdout.line(format_args!("No run of {task} is open."))?;
    }
    let mut all = true;
    for run in &runs {
        all &= !matches!(run["status"].as_str(), Some("refused" | "busy"));
        Screen::Stdout.line(said(run))?;
    }
    if answer["data"]["more"] == true {
        eprintln!("There are more open runs: do it again.");
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn said(run: &Value) -> String {
    let message = plain(&run["message"]);
    match run["status"].as_str() {
        Some("busy") => format!("run {} stays: {message}", plain(&run["taskRunId"])),
        _ => message,
    }
}
