//! `tasker submit`, `watch`, `list` and `schema`.

use std::process::ExitCode;

use crate::{
    args::Submit,
    client::{self, Client},
    commands::{interrupted, why_not_completed},
    input,
    render::{one_line, plain, table},
    screen::Screen,
    watch::{Watched, follow},
};

/// Submits a task; with `--watch` follows it.
pub async fn submit(client: &Client, args: &Submit) -> anyhow::Result<ExitCode> {
    let input = input::json(&args.input, "--input")?;
    let options = serde_json::json!({
        "idempotencyKey": args.idempotency_key, "timeoutMs": args.timeout,
    });
    let id = client.submit_with(&args.name, &input, options).await?;
    if args.watch {
        eprintln!("Run {id} of {}.", args.name);
        return watch(client, id).await;
    }
    Screen::Stdout.line(format_args!("Run {id} is submitted. Follow it: tasker watch {id}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Follows a run; its result goes to standard output, everything else to standard error.
pub async fn watch(client: &Client, id: i64) -> anyhow::Result<ExitCode> {
    let row = match follow(client, id, Screen::Stderr).await? {
        Watched::Row(row) => row,
        Watched::Interrupted => return Ok(interrupted(id)),
    };
    anyhow::ensure!(row["status"] == "completed", why_not_completed(&row));
    Screen::Stdout.line(serde_json::to_string_pretty(&row["result"])?)?;
    Ok(ExitCode::SUCCESS)
}

/// Lists published tasks.
pub async fn list(client: &Client) -> anyhow::Result<ExitCode> {
    let tasks = client::list(client.get("tasks/list", &[]).await?, "tasks");
    let mut rows = table(Screen::Stdout, &["Task", "Version", "Updated", "Description"]);
    for task in &tasks {
        let name = if task.is_string() { plain(task) } else { plain(&task["name"]) };
        let about = one_line(&plain(&task["description"]), 120);
        rows.add_row([name, plain(&task["version"]), plain(&task["updated_at"]), about]);
    }
    Screen::Stdout.line(rows)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a task's schema.
pub async fn schema(client: &Client, name: &str) -> anyhow::Result<ExitCode> {
    let answer = client.get("tasks/schema", &[("task", name.to_owned())]).await?;
    let schema = answer.get("data").unwrap_or(&answer);
    Screen::Stdout.line(serde_json::to_string_pretty(schema)?)?;
    Ok(ExitCode::SUCCESS)
}
