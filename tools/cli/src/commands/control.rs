//! `tasker cancel`, `pause`, `resume`, `retry`, `attention` and `resolve`.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::{
    args::{Resolve, Retry},
    client::{self, Client},
    input,
    render::{one_line, plain, table},
    screen::Screen,
};

const OUT: Screen = Screen::Stdout;

/// Ends a run.
pub async fn cancel(client: &Client, id: i64) -> anyhow::Result<ExitCode> {
    done(client, "cancel", &run(id), format!("Run {id} is cancelled.")).await
}

/// Lets a run stop at its next quiet point.
pub async fn pause(client: &Client, id: i64) -> anyhow::Result<ExitCode> {
    done(client, "pause", &run(id), format!("Run {id} is paused. tasker resume {id}")).await
}

/// Lets it go on.
pub async fn resume(client: &Client, id: i64) -> anyhow::Result<ExitCode> {
    done(client, "resume", &run(id), format!("Run {id} goes on.")).await
}

/// Lets a failed run go on.
pub async fn retry(client: &Client, args: &Retry) -> anyhow::Result<ExitCode> {
    let id = args.id;
    let body =
        json!({ "taskRunId": id, "newestCode": args.newest_code, "timeoutMs": args.timeout });
    done(client, "retry", &body, format!("Run {id} goes on. Follow it: tasker watch {id}")).await
}

/// Lists calls that wait for a person.
pub async fn attention(client: &Client) -> anyhow::Result<ExitCode> {
    let calls = client::list(client.get("tasks/attention", &[]).await?, "calls");
    if calls.is_empty() {
        OUT.line("No call waits for a person.")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = table(OUT, &["Call", "Run", "Task", "What", "Sent", "Args"]);
    for call in &calls {
        rows.add_row([
            plain(&call["stackRunId"]),
            plain(&call["taskRunId"]),
            plain(&call["task_name"]),
            format!("{}.{}", plain(&call["service_name"]), plain(&call["method_name"])),
            plain(&call["sent_at"]),
            one_line(&plain(&call["args"]), 100),
        ]);
    }
    OUT.line(rows)?;
    OUT.line(
        "Each may have happened or not. See what the service says, then:\n  \
         tasker resolve CALL --result JSON   it happened, and answered this\n  \
         tasker resolve CALL --retry         it did not happen: send it again\n  \
         tasker resolve CALL --fail MESSAGE  it did not happen: the task gets an error",
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Says what became of a call.
pub async fn resolve(client: &Client, args: &Resolve) -> anyhow::Result<ExitCode> {
    let id = args.id;
    let body = match (&args.result, &args.fail) {
        (Some(result), _) => {
            let result = input::json(result, "--result")?;
            json!({ "stackRunId": id, "resolution": "completed", "result": result })
        }
        (None, Some(why)) => json!({ "stackRunId": id, "resolution": "failed", "error": why }),
        (None, None) => json!({ "stackRunId": id, "resolution": "retry" }),
    };
    done(client, "resolve", &body, format!("Call {id} is settled; its run goes on.")).await
}

fn run(id: i64) -> Value {
    json!({ "taskRunId": id })
}

async fn done(client: &Client, verb: &str, body: &Value, says: String) -> anyhow::Result<ExitCode> {
    client.post(&format!("tasks/{verb}"), body).await?;
    OUT.line(says)?;
    Ok(ExitCode::SUCCESS)
}
