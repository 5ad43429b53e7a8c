//! Tables of runs and their calls.

use comfy_table::{Cell, CellAlignment, Color, Table};
use serde_json::Value;

use super::{between, duration, grouped, headline, one_line, plain, table};
use crate::screen::Screen;

/// Runs, one per line.
pub fn runs_table(screen: Screen, runs: &[Value]) -> Table {
    let mut rows = table(screen, &["Run", "Task", "Status", "Calls", "Created", "Took", "Error"]);
    for run in runs {
        rows.add_row([
            Cell::new(plain(&run["id"])).set_alignment(CellAlignment::Right),
            Cell::new(plain(&run["task_name"])),
            status_cell(run),
            Cell::new(grouped(run["calls"].as_u64().unwrap_or(0)))
                .set_alignment(CellAlignment::Right),
            Cell::new(plain(&run["created_at"])),
            Cell::new(between(run, "created_at", "ended_at").map(duration).unwrap_or_default()),
            Cell::new(one_line(&headline(&run["error"]), 80)),
        ]);
    }
    rows
}

/// What a run is and how it stands.
pub fn run_header(screen: Screen, run: &Value) -> Table {
    let mut rows = table(screen, &[]);
    let version = run["version"].as_i64().map(|v| format!(" (version {v})")).unwrap_or_default();
    rows.add_row([Cell::new("Run"), Cell::new(plain(&run["id"]))]);
    rows.add_row([Cell::new("Task"), Cell::new(plain(&run["task_name"]) + &version)]);
    rows.add_row([Cell::new("Status"), status_cell(run)]);
    rows.add_row([Cell::new("Calls"), Cell::new(grouped(run["calls"].as_u64().unwrap_or(0)))]);
    rows.add_row([Cell::new("Created"), Cell::new(plain(&run["created_at"]))]);
    if let Some(took) = between(run, "created_at", "ended_at") {
        let ended = format!("{} (took {})", plain(&run["ended_at"]), duration(took));
        rows.add_row([Cell::new("Ended"), Cell::new(ended)]);
    }
    if !run["waiting_on_stack_run_id"].is_null() {
        let waits = format!("stack run {}", plain(&run["waiting_on_stack_run_id"]));
        rows.add_row([Cell::new("Waits on"), Cell::new(waits)]);
    }
    if run["paused"] == true {
        let how = format!("until `tasker resume {}`", plain(&run["id"]));
        rows.add_row([Cell::new("Paused"), Cell::new(how)]);
    }
    if !run["deadline"].is_null() {
        rows.add_row([Cell::new("Must end by"), Cell::new(plain(&run["deadline"]))]);
    }
    rows.add_row([Cell::new("Input"), Cell::new(one_line(&plain(&run["input"]), 400))]);
    rows
}

/// A run's calls, one per line.
pub fn stack_runs_table(screen: Screen, stack_runs: &[Value]) -> Table {
    let header = ["Id", "Seq", "Call", "Status", "Time", "Attempts", "Args", "Error"];
    let mut rows = table(screen, &header);
    for row in stack_runs {
        let is_task = row["kind"] == "task";
        let call = match row["kind"].as_str() {
            Some("timer") => "setTimeout".to_owned(),
            _ => format!("{}.{}", plain(&row["service_name"]), plain(&row["method_name"])),
        };
        rows.add_row([
            Cell::new(plain(&row["id"])).set_alignment(CellAlignment::Right),
            Cell::new(if is_task { "task".to_owned() } else { plain(&row["seq"]) }),
            Cell::new(call),
            status_cell(row),
            Cell::new(between(row, "created_at", "ended_at").map(duration).unwrap_or_default()),
            Cell::new(attempts(row)),
            Cell::new(if is_task { String::new() } else { one_line(&plain(&row["args"]), 60) }),
            Cell::new(one_line(&headline(&row["error"]), 120)),
        ]);
    }
    rows
}

/// `2`, or `3 (1 lost)` if a processor died on it.
fn attempts(row: &Value) -> String {
    match row["crashes"].as_u64().unwrap_or(0) {
        0 => plain(&row["attempt"]),
        lost => format!("{} ({lost} lost)", plain(&row["attempt"])),
    }
}

fn status_cell(row: &Value) -> Cell {
    let status = plain(&row["status"]);
    let color = match status.as_str() {
        "completed" => Color::Green,
        "failed" => Color::Red,
        "needs_attention" => Color::Magenta,
        "cancelled" => Color::DarkGrey,
        _ => Color::Cyan,
    };
    Cell::new(status).fg(color)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn calls_show_attempts_time_and_error() {
        let rows = [
            json!({ "id": 1, "kind": "task", "seq": 0, "service_name": "deno-executor", "method_name": "execute",
                    "status": "failed", "attempt": 1, "crashes": 0, "args": null, "error": null }),
            json!({ "id": 2, "kind": "call", "seq": 0, "service_name": "wrappedgapi", "method_name": "admin.domains.list",
                    "status": "failed", "attempt": 3, "crashes": 1, "args": [{}],
                    "created_at": "2026-11-22T10:00:00.000Z", "ended_at": "2026-11-22T10:00:00.085Z",
                    "error": { "name": "ServiceError", "message": "forbidden" } }),
        ];
        let text = stack_runs_table(Screen::Stdout, &rows).to_string();
        for expected in ["3 (1", "85 ms", "ServiceError"] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
    }

    #[test]
    fn the_header_says_how_long_it_took() {
        let run = json!({ "id": 7, "task_name": "hello-task", "version": 2, "status": "completed", "calls": 1,
            "created_at": "2026-11-22T10:00:00.000Z", "ended_at": "2026-11-22T10:00:02.500Z", "input": {} });
        let text = run_header(Screen::Stdout, &run).to_string();
        assert!(text.contains("hello-task (version 2)") && text.contains("took 2.50 s"), "{text}");
    }
}
