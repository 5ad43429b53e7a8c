//! A Workspace in which everything goes wrong that the guide has a row for.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use axum::{Json, Router, http::StatusCode, routing::post};
use serde_json::{Value, json};
use tasker_testkit::{
    process::{Process, bin_dir, free_port},
    stack::{Shape, Stack},
};
use tokio::process::Command;

/// How long a search may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An emulated Workspace at an address that stays the same.
pub struct Workspace {
    pub url: String,
    pub admin: String,
    /// The service account's key file.
    pub key: PathBuf,
    port: String,
    dir: PathBuf,
    process: Process,
}

impl Workspace {
    /// Starts one, with these scopes delegated to its service account. Another seed, another key.
    pub fn start(dir: PathBuf, seed: &str, scopes: &str) -> anyhow::Result<Self> {
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir)?;
        let (port, key) = (free_port()?.to_string(), dir.join("key.json"));
        let mut process = spawn(&dir, &port, seed, scopes)?;
        let ready = process.first_line()?;
        let word = |name: &str| ready.split_whitespace().find_map(|w| w.strip_prefix(name));
        let (url, admin) = word("url=").zip(word("admin=")).context("not ready")?;
        let (url, admin) = (url.to_owned(), admin.to_owned());
        Ok(Self { url, admin, key, port, dir, process })
    }

    /// Changes what is delegated.
    pub fn delegate(&mut self, scopes: &str) -> anyhow::Result<()> {
        self.process.kill();
        self.process = spawn(&self.dir, &self.port, SEED, scopes)?;
        self.process.first_line().map(drop)
    }

    /// A request to the emulator's side door.
    async fn make(&self, what: &str, body: Value) -> anyhow::Result<()> {
        let url = format!("{}/_admin/{what}", self.url);
        let reply = reqwest::Client::new().post(url).json(&body).send().await?;
        ensure!(reply.status().is_success(), "{what}: {}", reply.text().await?);
        Ok(())
    }

    /// Somebody who is no administrator.
    fn user(&self) -> anyhow::Result<String> {
        let truth = std::process::Command::new(bin_dir()?.join("workspace-emulator"))
            .arg("truth")
            .args(WORLD)
            .output()?;
        let truth: Value = serde_json::from_slice(&truth.stdout)?;
        let user = truth["domains"][0]["users"][1]["email"].as_str();
        Ok(user.context("there is one user only")?.to_owned())
    }
}

/// Its seed, but for those that must have another key.
pub const SEED: &str = "42";
/// Small: these tests are about who may ask.
const WORLD: [&str; 4] = ["--users-per-domain", "2,1", "--messages-per-user", "3"];

fn spawn(dir: &Path, port: &str, seed: &str, scopes: &str) -> anyhow::Result<Process> {
    let key = dir.join("key.json").display().to_string();
    let args = ["--port", port, "--seed", seed, "--write-key", &key, "--delegated-scope", scopes];
    let args: Vec<String> = args.iter().chain(&WORLD).map(|a| (*a).to_owned()).collect();
    Process::spawn("workspace-emulator", &args, &[], dir)
}

/// A token endpoint that refuses in the words of its path: `/CODE/DESCRIPTION`.
async fn refuses() -> anyhow::Result<String> {
    let no = |axum::extract::Path((error, description)): axum::extract::Path<(String, String)>| async move {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": error, "error_description": description })))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let routes = Router::new().route("/{error}/{description}", post(no));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(url)
}

/// Somebody who sets a tasker up, and searches.
pub struct Searcher<'a> {
    pub stack: &'a Stack,
    /// What the guide says one may see.
    pub rows: Vec<String>,
    /// What was seen of that.
    pub seen: BTreeSet<String>,
}

impl Searcher<'_> {
    async fn tasker(&self, args: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new(bin_dir()?.join("tasker"));
        let done =
            command.args(args).env("TASKER_FUNCTIONS_URL", &self.stack.url).kill_on_drop(true);
        let done = tokio::time::timeout(PATIENCE, done.output()).await;
        Ok(done.with_context(|| format!("tasker {args:?} goes on and on"))??)
    }

    /// Sets a secret.
    pub async fn set(&self, name: &str, value: &str) -> anyhow::Result<()> {
        let done = self.tasker(&["keystore", "set", name, value]).await?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    /// What a search says, all of it.
    pub async fn search(&self) -> anyhow::Result<String> {
        let search = [
            "gmail-search",
            "--max-users-per-domain",
            "2",
            "--max-results-per-user",
            "1",
            "--json",
            "-",
        ];
        let Output { stdout, stderr, .. } = self.tasker(&search).await?;
        let text = [stdout, stderr].concat();
        // A table may break a cell's text anywhere: compare without its lines.
        let words = String::from_utf8_lossy(&text).replace(['│', '┆'], " ");
        Ok(words.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Searches, and must see the row that begins so.
    pub async fn sees(&mut self, row: &str) -> anyhow::Result<()> {
        let row = self.rows.iter().find(|r| r.starts_with(row));
        let row = row.context("the guide has no such row")?.clone();
        let shown = self.search().await?;
        let mut rest = &*shown;
        for part in row.split('…').map(str::trim) {
            let at = rest.find(part).with_context(|| format!("no `{row}` in: {shown}"))?;
            rest = &rest[at + part.len()..];
        }
        self.seen.insert(row);
        Ok(())
    }
}

/// Each row of the guide's table, brought about.
pub async fn everything_wrong(
    workspace: &mut Workspace,
    scopes: &str,
    me: &mut Searcher<'_>,
) -> anyhow::Result<()> {
    let key = std::fs::read_to_string(&workspace.key)?;
    wrong_keys(workspace, scopes, me, &key).await?;
    me.set("GAPI_KEY", &key).await?;
    wrong_people(workspace, me).await?;
    each_scope_is_needed(workspace, scopes, me).await
}

async fn wrong_keys(
    workspace: &Workspace,
    scopes: &str,
    me: &mut Searcher<'_>,
    key: &str,
) -> anyhow::Result<()> {
    let with = |field: &str, value: &str| -> anyhow::Result<String> {
        let mut key: Value = serde_json::from_str(key)?;
        key[field] = value.into();
        Ok(key.to_string())
    };
    me.sees("GAPI_KEY is not set").await?;
    me.set("GAPI_ADMIN_EMAIL", &workspace.admin).await?;
    me.set("GAPI_KEY", &with("type", "authorized_user")?).await?;
    me.sees("GAPI_KEY in the keystore").await?;

    let endpoint = refuses().await?;
    let words = [
        ("access_denied", "access_denied/Requested client not authorized."),
        ("short-lived token", "invalid_grant/Invalid JWT: Token must be a short-lived token"),
    ];
    for (row, says) in words {
        me.set(
            "GAPI_KEY",
            &with("token_uri", &format!("{endpoint}/{}", says.replace(' ', "%20")))?,
        )
        .await?;
        me.sees(row).await?;
    }
    let other = Workspace::start(workspace.dir.join("other"), "43", scopes)?;
    let other: Value = serde_json::from_str(&std::fs::read_to_string(&other.key)?)?;
    me.set("GAPI_KEY", &with("private_key", other["private_key"].as_str().unwrap_or_default())?)
        .await?;
    me.sees("Invalid JWT Signature").await?;
    Ok(())
}

async fn wrong_people(workspace: &mut Workspace, me: &mut Searcher<'_>) -> anyhow::Result<()> {
    me.set("GAPI_ADMIN_EMAIL", "nobody@alpha.example").await?;
    me.sees("Invalid email or User ID").await?;
    let user = workspace.user()?;
    me.set("GAPI_ADMIN_EMAIL", &user).await?;
    me.sees("Not Authorized to access").await?;
    me.set("GAPI_ADMIN_EMAIL", &workspace.admin).await?;

    let disabled = json!({ "match": { "method": "admin.domains.list" }, "status": 403, "reason": "accessNotConfigured" });
    workspace.make("faults", disabled).await?;
    me.sees("has not been used in project").await?;
    workspace.make("people", json!({ "noMailbox": [user] })).await?;
    me.sees("Precondition check failed").await?;
    workspace.make("people", json!({ "suspended": [user] })).await?;
    me.stack.post("wrappedgapi", &json!({ "method": "clearTokenCache" })).await?;
    me.sees("Account disabled").await?;
    Ok(())
}

/// Each of the scopes is needed, and the message names the one that is missing.
async fn each_scope_is_needed(
    workspace: &mut Workspace,
    scopes: &str,
    me: &mut Searcher<'_>,
) -> anyhow::Result<()> {
    for missing in scopes.split(',') {
        let rest: Vec<&str> = scopes.split(',').filter(|scope| *scope != missing).collect();
        workspace.delegate(&rest.join(","))?;
        me.stack.post("wrappedgapi", &json!({ "method": "clearTokenCache" })).await?;
        me.sees("unauthorized_client").await?;
        let shown = me.search().await?;
        ensure!(shown.contains(&format!("the scope {missing},")), "{missing}: {shown}");
    }
    Ok(())
}

/// A tasker whose Google is this Workspace.
pub async fn tasker(workspace: &Workspace, code: &str) -> anyhow::Result<Stack> {
    let env = [("GAPI_ROOT_URL", &*workspace.url), ("GAPI_CREDENTIALS_TTL_S", "0")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let stack = Stack::start(Shape::One, &workspace.dir.join("tasker"), &env).await?;
    stack.publish("comprehensive-gmail-search", code).await?;
    Ok(stack)
}
