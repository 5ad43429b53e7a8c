//! `tasker flow`.

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context;
use serde_json::{Value, json};
use tasker_flow::Flow;

use super::tasks;
use crate::{
    args::{FlowArgs, FlowCommand},
    client::Client,
    input,
    render::{one_line, plain},
    screen::Screen,
};

const OUT: Screen = Screen::Stdout;

/// Does what can be done with files alone; `None` if the services are needed.
pub fn with_files(args: &FlowArgs) -> anyhow::Result<Option<ExitCode>> {
    match &args.command {
        FlowCommand::Check { file } => {
            let flow = read(file)?;
            let states = flow.root.all().len() - 1;
            OUT.line(format_args!("{}: a good flow of {states} states", flow.id))?;
        }
        FlowCommand::Draw { file, output } => draw(&read(file)?, output.as_deref())?,
        _ => return Ok(None),
    }
    Ok(Some(ExitCode::SUCCESS))
}

/// Does what was asked.
pub async fn run(client: &Client, args: &FlowArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        FlowCommand::Publish { files } => {
            for file in files {
                let answer =
                    client.post("tasks/flows", &json!({ "flow": read(file)?.source })).await?;
                let data = &answer["data"];
                OUT.line(format_args!(
                    "{} version {}",
                    plain(&data["name"]),
                    plain(&data["version"])
                ))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        FlowCommand::Execute { flow, input, watch } => execute(client, flow, input, *watch).await,
        FlowCommand::Get { id } => {
            let answer = client.get(&format!("tasks/flows/{id}"), &[]).await?;
            show(&answer["data"])?;
            Ok(ExitCode::SUCCESS)
        }
        FlowCommand::Resume { id } => {
            client.post("tasks/flows/resume", &json!({ "taskRunId": id })).await?;
            OUT.line(format_args!("Run {id} goes on. Follow it: tasker watch {id}"))?;
            Ok(ExitCode::SUCCESS)
        }
        FlowCommand::Delete { id } => {
            client.delete(&format!("tasks/flows/{id}")).await?;
            OUT.line(format_args!("Run {id} is forgotten."))?;
            Ok(ExitCode::SUCCESS)
        }
        FlowCommand::Check { .. } | FlowCommand::Draw { .. } => Ok(ExitCode::SUCCESS),
    }
}

fn read(file: &Path) -> anyhow::Result<Flow> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Flow::parse(&text).map_err(|problems| {
        let lines: Vec<_> =
            problems.0.iter().map(|p| format!("  {}: {}", p.place, p.message)).collect();
        anyhow::anyhow!("{} is no good flow:\n{}", file.display(), lines.join("\n"))
    })
}

fn draw(flow: &Flow, output: Option<&Path>) -> anyhow::Result<()> {
    let Some(path) = output else {
        OUT.line(flow.svg().trim_end())?;
        return Ok(());
    };
    let picture = match path.extension().and_then(|e| e.to_str()) {
        Some("svg") => flow.svg(),
        Some("mmd" | "mermaid" | "md") => flow.mermaid(),
        _ => anyhow::bail!("{}: the picture's name must end in .svg or .mmd", path.display()),
    };
    fs::write(path, picture).with_context(|| format!("cannot write {}", path.display()))?;
    OUT.line(format_args!("{} is drawn in {}", flow.id, path.display()))?;
    Ok(())
}

async fn execute(
    client: &Client,
    flow: &str,
    input: &str,
    watch: bool,
) -> anyhow::Result<ExitCode> {
    let input = input::json(input, "--input")?;
    let file = Path::new(flow);
    let body = if file.extension().is_some_and(|e| e == "json") {
        json!({ "flow": read(file)?.source, "input": input })
    } else {
        json!({ "name": flow, "input": input })
    };
    let answer = client.post("tasks/flows/execute", &body).await?;
    let id = answer["data"]["taskRunId"].as_i64().context("the answer names no run")?;
    if watch {
        return tasks::watch(client, id).await;
    }
    OUT.line(format_args!("Run {id} is under way. Where it is: tasker flow get {id}"))?;
    Ok(ExitCode::SUCCESS)
}

fn show(run: &Value) -> std::io::Result<()> {
    let states = |key: &str| -> Vec<String> {
        let list = run[key].as_array().into_iter().flatten();
        list.map(|s| s.as_str().map_or_else(|| plain(&s["state"]), str::to_owned)).collect()
    };
    OUT.line(format_args!(
        "Run {} of {}: {}",
        plain(&run["taskRunId"]),
        plain(&run["name"]),
        plain(&run["status"])
    ))?;
    let active = states("state");
    if !active.is_empty() {
        OUT.line(format_args!("In: {}", active.join(", ")))?;
    }
    for step in run["history"].as_array().into_iter().flatten() {
        OUT.line(format_args!("{}  {}", plain(&step["at"]), plain(&step["state"])))?;
    }
    for key in ["error", "result"] {
        if !run[key].is_null() {
            OUT.line(format_args!("{key}: {}", one_line(&run[key].to_string(), 2_000)))?;
        }
    }
    Ok(())
}
