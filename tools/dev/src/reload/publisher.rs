//! Publishes files, and says what became of them where their author looks: on the terminal.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::ErrorKind,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tasker_core::TaskError;
use tasker_http::{PeerError, PeerReply, Peers};

use super::files;

/// How long publishing may take.
const PUBLISH: Duration = Duration::from_secs(30);
/// How long the runs of a task may take to be moved.
const MOVE: Duration = Duration::from_secs(120);

/// What it has seen of each file.
pub struct Publisher {
    dir: PathBuf,
    peers: Peers,
    live: bool,
    seen: BTreeMap<PathBuf, String>,
}

/// What became of a file's text.
enum Published {
    Version(i64),
    /// It does not compile.
    Refused(Vec<TaskError>),
    /// It was not taken for another reason, or nobody answered.
    Failed(String),
}

impl Publisher {
    /// Has seen nothing yet.
    pub fn new(dir: PathBuf, peers: Peers, live: bool) -> Self {
        Self { dir, peers, live, seen: BTreeMap::new() }
    }

    /// Publishes everything in the folder, at start.
    pub async fn all(&mut self) {
        let began = Instant::now();
        let mut published = Vec::new();
        for file in files::below(&self.dir) {
            if let Some((task, version)) = self.file(&file).await {
                published.push(format!("{task} version {version}"));
            }
        }
        let what = if published.is_empty() { "nothing yet".into() } else { published.join(", ") };
        let ms = began.elapsed().as_millis();
        say(&format!("watching {}: {what} ({ms} ms)", shown(&self.dir)));
    }

    /// Looks at what was touched since `began`.
    pub async fn look(&mut self, touched: &BTreeSet<PathBuf>, began: Instant) {
        for path in self.files(touched) {
            let Some((task, version)) = self.file(&path).await else { continue };
            let ms = began.elapsed().as_millis();
            say(&format!("{}: {task} version {version} is published ({ms} ms)", shown(&path)));
            if self.live {
                self.move_runs(&task).await;
            }
        }
    }

    /// The files that were touched: those in a folder that came or went too.
    fn files(&self, touched: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        let mut all = BTreeSet::new();
        for path in touched {
            if path.is_dir() {
                all.extend(files::below(path));
            }
            all.extend(self.seen.keys().filter(|seen| seen.starts_with(path)).cloned());
            all.insert(path.clone());
        }
        all
    }

    /// Publishes a file with other text than before; answers its task and version.
    async fn file(&mut self, path: &Path) -> Option<(String, i64)> {
        let task = files::task(path, &self.dir)?;
        let code = match std::fs::read_to_string(path) {
            Ok(code) => code,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if self.seen.remove(path).is_some() {
                    say(&format!("{} is gone; {task} stays published", shown(path)));
                }
                return None;
            }
            Err(error) => {
                say(&format!("{}: cannot be read: {error}", shown(path)));
                return None;
            }
        };
        // Empty: an editor has just made it and writes it next.
        if code.trim().is_empty() || self.seen.get(path).is_some_and(|seen| *seen == code) {
            return None;
        }
        if let Some(other) = self.other(path, &task).map(|other| shown(other)) {
            self.seen.insert(path.to_owned(), code);
            let path = shown(path);
            say(&format!("{path}: not published, since {other} is the task {task} too"));
            return None;
        }
        match self.publish(&task, &code).await {
            Published::Version(version) => {
                self.seen.insert(path.to_owned(), code);
                Some((task, version))
            }
            Published::Refused(mistakes) => {
                let file = shown(path);
                for mistake in mistakes {
                    say(&mistake.in_source(&file, &code));
                }
                say(&format!("{file}: not published; what was published before stays"));
                self.seen.insert(path.to_owned(), code);
                None
            }
            Published::Failed(why) => {
                say(&format!("{}: not published: {why}", shown(path)));
                None
            }
        }
    }

    /// Another file of the same task.
    fn other(&self, path: &Path, task: &str) -> Option<&PathBuf> {
        let same = |seen: &&PathBuf| {
            *seen != path && files::task(seen, &self.dir).as_deref() == Some(task)
        };
        self.seen.keys().filter(|seen| seen.exists()).find(same)
    }

    async fn publish(&self, task: &str, code: &str) -> Published {
        let body = json!({ "name": task, "code": code });
        let reply = self.peers.post("tasks", "/publish", &body, &[], PUBLISH).await;
        let (status, answer) = match read(reply) {
            Ok(read) => read,
            Err(error) => return Published::Failed(error.to_string()),
        };
        if let (true, Some(version)) = (status, answer["data"]["version"].as_i64()) {
            return Published::Version(version);
        }
        let mistakes = serde_json::from_value::<Vec<TaskError>>(answer["errors"].clone());
        match mistakes {
            Ok(mistakes) if !mistakes.is_empty() => Published::Refused(mistakes),
            _ => Published::Failed(
                answer["error"].as_str().unwrap_or("the tasks service gave no reason").to_owned(),
            ),
        }
    }

    /// Open runs of a task go on on its newest version, where that makes the same calls.
    async fn move_runs(&self, task: &str) {
        let body = json!({ "task_identifier": task });
        let reply = self.peers.post("tasks", "/upgrade", &body, &[], MOVE).await;
        let (good, answer) = match read(reply) {
            Ok(read) => read,
            Err(error) => return say(&format!("open runs of {task} were not moved: {error}")),
        };
        if !good {
            let why = answer["error"].as_str().unwrap_or("no reason given");
            return say(&format!("open runs of {task} were not moved: {why}"));
        }
        for run in answer["data"]["runs"].as_array().into_iter().flatten() {
            let message = run["message"].as_str().unwrap_or_default();
            match run["status"].as_str() {
                Some("current") => {}
                Some("busy") => say(&format!("run {} stays: {message}", run["taskRunId"])),
                _ => say(message),
            }
        }
    }
}

fn read(reply: Result<PeerReply, PeerError>) -> Result<(bool, Value), PeerError> {
    let reply = reply?;
    let body = serde_json::from_slice(&reply.body).unwrap_or_default();
    Ok((reply.status.is_success(), body))
}

/// A path as its author would type it.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below.unwrap_or_else(|| path.to_owned()).display().to_string()
}

/// A line for the author, among the log's.
fn say(text: &str) {
    eprintln!("{text}");
}
