//! `tasker publish`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use serde_json::{Value, json};
use tasker_core::TaskError;

use crate::{
    args::Publish,
    client::{Client, ClientError},
    render::{one_line, table},
    screen::Screen,
};

/// What task files are called.
const EXTENSIONS: [&str; 3] = ["js", "mjs", "ts"];

/// Publishes (or lists) task files; exit 1 if one of them could not be published.
pub async fn run(client: &Client, args: &Publish) -> anyhow::Result<ExitCode> {
    if args.list {
        return list(&args.dir);
    }
    let files = chosen(args)?;
    let mut published = 0;
    for file in &files {
        match publish(client, file).await {
            Ok(line) => {
                published += 1;
                Screen::Stdout.line(line)?;
            }
            Err(error) => eprintln!("{}", why(file, &error)),
        }
    }
    Screen::Stdout.line(format_args!("Published {published} of {} tasks.", files.len()))?;
    Ok(if published == files.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Why a file was not published: its mistakes where they stand, if that is it.
fn why(file: &Path, error: &anyhow::Error) -> String {
    let Some(ClientError::Refused { body, .. }) = error.downcast_ref() else {
        return format!("{}: {error:#}", file.display());
    };
    let mistakes = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    if mistakes.is_empty() {
        return format!("{}: {error:#}", file.display());
    }
    let code = std::fs::read_to_string(file).unwrap_or_default();
    let shown = mistakes.iter().filter_map(|e| serde_json::from_value::<TaskError>(e.clone()).ok());
    shown.map(|e| e.in_source(&file.display().to_string(), &code)).collect::<Vec<_>>().join("\n")
}

fn chosen(args: &Publish) -> anyhow::Result<Vec<PathBuf>> {
    if !args.files.is_empty() {
        return Ok(args.files.clone());
    }
    let files = task_files(&args.dir)?;
    if args.all {
        anyhow::ensure!(!files.is_empty(), "no .js, .mjs or .ts file in {}", args.dir.display());
        return Ok(files);
    }
    let find = |name: &String| {
        let found = files.iter().find(|file| task_name(file).is_ok_and(|task| task == name));
        found.cloned().with_context(|| format!("no task '{name}' in {}", args.dir.display()))
    };
    args.specific.iter().map(find).collect()
}

async fn publish(client: &Client, file: &Path) -> anyhow::Result<String> {
    let name = task_name(file)?;
    let code = std::fs::read_to_string(file).context("cannot read it")?;
    // The service takes the description from the code itself.
    let body = json!({ "name": name, "code": code });
    let answer = client.post("tasks/publish", &body).await?;
    let data = &answer["data"];
    let version = data["version"].as_i64().map(|v| format!(" version {v}")).unwrap_or_default();
    if data["checked"] != Value::Bool(true) {
        eprintln!("{name}: not checked, since the executor does not answer");
    }
    let remark = if data["created"] == Value::Bool(true) { " (new)" } else { "" };
    Ok(format!("{name}{version}{remark}"))
}

fn list(dir: &Path) -> anyhow::Result<ExitCode> {
    let mut rows = table(Screen::Stdout, &["Task", "File", "Description"]);
    for file in task_files(dir)? {
        let code = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let about = one_line(&description(&code).unwrap_or_default(), 100);
        rows.add_row([task_name(&file)?, &file.display().to_string(), &about]);
    }
    Screen::Stdout.line(rows)?;
    Ok(ExitCode::SUCCESS)
}

fn task_files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_file() && task_name(&path).is_ok() && !path.to_string_lossy().ends_with(".d.ts")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// `taskcode/endpoints/hello-task.js` -> `hello-task`.
fn task_name(file: &Path) -> anyhow::Result<&str> {
    let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default();
    anyhow::ensure!(EXTENSIONS.contains(&extension), "task code is a .js, .mjs or .ts file");
    file.file_stem().and_then(|s| s.to_str()).context("its name is not UTF-8")
}

/// The words of the first JSDoc block, before its first tag.
fn description(code: &str) -> Option<String> {
    let block = code.split_once("/**")?.1.split_once("*/")?.0;
    let lines = block.lines().map(|line| line.trim().trim_start_matches('*').trim());
    let words: Vec<&str> = lines.take_while(|line| !line.starts_with('@')).collect();
    let text = words.join("\n").trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_names_the_task() {
        assert_eq!(task_name(Path::new("a/hello-task.js")).unwrap(), "hello-task");
        assert_eq!(task_name(Path::new("timer.v2.ts")).unwrap(), "timer.v2");
        assert!(task_name(Path::new("notes.md")).is_err());
    }

    #[test]
    fn the_description_ends_at_the_first_tag() {
        let code = "'use strict';\n/**\n * Greets.\n *\n * Twice.\n * @param {Object} input\n */\nmodule.exports = 1";
        assert_eq!(description(code).as_deref(), Some("Greets.\n\nTwice."));
        assert_eq!(description("/** One line. */").as_deref(), Some("One line."));
        assert_eq!(description("module.exports = 1"), None);
    }
}
