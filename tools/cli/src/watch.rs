//! Following a run to its end.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use crate::{
    client::Client,
    progress::{Progress, View},
    screen::Screen,
};

/// How the watching ended.
pub enum Watched {
    /// The run ended, or waits for a person: its row.
    Row(Value),
    /// Ctrl-C: the run goes on.
    Interrupted,
}

/// First and longest pause between two looks.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// How long services may be away before the watcher gives up. The run does not need a watcher.
const PATIENCE: Duration = Duration::from_secs(120);

/// Shows the run's progress until it ends or Ctrl-C is pressed.
pub async fn follow(client: &Client, id: i64, screen: Screen) -> anyhow::Result<Watched> {
    tokio::select! {
        row = until_ended(client, id, screen) => Ok(Watched::Row(row?)),
        pressed = tokio::signal::ctrl_c() => {
            pressed.context("cannot listen for Ctrl-C")?;
            Ok(Watched::Interrupted)
        }
    }
}

/// True once looking again cannot show anything new by itself.
pub fn is_over(status: &str) -> bool {
    matches!(status, "completed" | "failed" | "cancelled" | "needs_attention")
}

async fn until_ended(client: &Client, id: i64, screen: Screen) -> anyhow::Result<Value> {
    let mut view = View::new(screen);
    let mut pause = PAUSE.0;
    let mut away: Option<Instant> = None;
    loop {
        match client.status(id).await {
            Ok(row) => {
                if away.take().is_some() {
                    view.remark("  services are back");
                }
                if is_over(row["status"].as_str().unwrap_or_default()) {
                    return Ok(row);
                }
                show(client, id, &row, &mut view).await;
            }
            Err(error)
                if error.may_pass() && away.is_some_and(|since| since.elapsed() < PATIENCE) => {}
            Err(error) if error.may_pass() && away.is_none() => {
                // A restart of the services does not end the run; neither does it end the watching.
                view.remark(&format!(
                    "  waiting for the services: {}",
                    first_line(&error.to_string())
                ));
                away = Some(Instant::now());
            }
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot see run {id}; try `tasker watch {id}`"));
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 5 / 4).min(PAUSE.1);
    }
}

async fn show(client: &Client, id: i64, row: &Value, view: &mut View) {
    // Logs are decoration: without them status and calls still show.
    let logs = client.logs(id, 10).await.unwrap_or_default();
    let messages: Vec<&str> =
        logs.iter().rev().filter_map(|line| line["message"].as_str()).collect();
    let progress = messages.iter().find_map(|message| Progress::parse(message));
    let status = row["status"].as_str().unwrap_or("unknown");
    // Row and log are two requests: the later one knows more.
    let logged = progress.as_ref().map_or(0, |progress| progress.calls);
    let calls = row["calls"].as_u64().unwrap_or(0).max(logged);
    view.update(status, progress.as_ref(), messages.first().copied(), calls);
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
