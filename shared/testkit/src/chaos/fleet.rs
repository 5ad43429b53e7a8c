//! tasker's real processes, each of which can be killed, stopped and started again by itself.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tasker_core::call::SERVICES;

use super::{db::Db, proxy::Proxy};
use crate::{
    peaks::Peaks,
    process::{Process, free_port},
};

/// The name that all processors share.
pub const PROCESSOR: &str = "simple-stack-processor";
/// The name that all executors share.
pub const EXECUTOR: &str = "deno-executor";

/// What to start.
pub struct Setup<'a> {
    pub dir: PathBuf,
    pub db: &'a Db,
    pub oracle: &'a str,
    pub processors: usize,
    pub executors: usize,
    /// Everything between the services goes through it.
    pub proxy: Option<&'a Proxy>,
    /// A service that is to be looked for at a port where nobody is.
    pub down: Option<(&'static str, u16)>,
    pub env: Vec<(String, String)>,
}

/// The processes.
pub struct Fleet {
    pub members: Vec<Member>,
    dir: PathBuf,
    client: reqwest::Client,
}

/// One process, running or not.
pub struct Member {
    /// Name of the service; `tasker-dev` is all of them.
    pub name: String,
    /// Its own address.
    pub url: String,
    pub env: Vec<(String, String)>,
    args: Vec<String>,
    process: Option<Process>,
}

impl Fleet {
    /// Starts everything and waits until it answers.
    pub async fn start(setup: Setup<'_>) -> anyhow::Result<Self> {
        let members = match setup.db {
            Db::Postgres(url) => six(&setup, url)?,
            Db::Sqlite(path) => vec![one(&setup, &path.display().to_string())?],
        };
        let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
        let mut fleet = Self { members, dir: setup.dir, client };
        fleet.start_all().await?;
        Ok(fleet)
    }

    /// Starts those that are down, and waits until all answer.
    pub async fn start_all(&mut self) -> anyhow::Result<()> {
        for index in 0..self.members.len() {
            self.spawn(index)?;
        }
        for index in 0..self.members.len() {
            self.ready(index).await?;
        }
        Ok(())
    }

    /// Starts a process, unless it runs.
    pub fn spawn(&mut self, index: usize) -> anyhow::Result<()> {
        let member = &mut self.members[index];
        if member.process.as_mut().is_none_or(|p| p.exited().is_some()) {
            let process = Process::spawn(&member.name, &member.args, &member.env, &self.dir)?;
            member.process = Some(process);
        }
        Ok(())
    }

    /// Waits until a process answers.
    pub async fn ready(&mut self, index: usize) -> anyhow::Result<()> {
        let member = &mut self.members[index];
        let health = format!("{}/health", member.url);
        member.process.as_mut().context("it was not started")?.ready(&health).await
    }

    /// `kill -9`.
    pub fn kill(&mut self, index: usize) {
        if let Some(mut process) = self.members[index].process.take() {
            process.kill();
        }
    }

    /// `kill -9` of all.
    pub fn kill_all(&mut self) {
        (0..self.members.len()).for_each(|i| self.kill(i));
    }

    /// Whether it has ended, or was never started.
    pub fn down(&mut self, index: usize) -> bool {
        self.members[index].process.as_mut().is_none_or(|p| p.exited().is_some())
    }

    /// Sends a signal.
    pub fn signal(&self, index: usize, name: &str) -> anyhow::Result<()> {
        self.members[index].process.as_ref().context("it does not run")?.signal(name)
    }

    /// SIGTERM; answers how long the process took to end, and its exit code.
    pub async fn terminate(&mut self, index: usize) -> anyhow::Result<(Duration, Option<i32>)> {
        let began = Instant::now();
        self.signal(index, "TERM")?;
        loop {
            let process = self.members[index].process.as_mut().context("it does not run")?;
            if let Some(status) = process.exited() {
                self.members[index].process = None;
                return Ok((began.elapsed(), status.code()));
            }
            ensure!(began.elapsed() < Duration::from_secs(60), "it ignores SIGTERM");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What the processes of a service have logged.
    pub fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.join(format!("{name}.log"))).unwrap_or_default()
    }

    /// Looks at the memory of its processes from now on.
    pub fn peaks(&self) -> Peaks {
        Peaks::of(self.members.iter().filter_map(|m| m.process.as_ref()))
    }

    /// Place of the first process of a service.
    pub fn index(&self, name: &str) -> usize {
        self.members.iter().position(|m| m.name == name).unwrap_or(0)
    }

    /// Address of a service.
    pub fn url(&self, name: &str) -> String {
        let member = &self.members[self.index(name)];
        if member.name == name {
            member.url.clone()
        } else {
            member.url.replace("/tasks", &format!("/{name}"))
        }
    }

    /// POSTs JSON straight to a service.
    pub async fn post(
        &self,
        name: &str,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<(u16, Value, bool)> {
        let reply = self.client.post(format!("{}{path}", self.url(name))).json(body).send().await?;
        let status = reply.status().as_u16();
        let retry_after = reply.headers().contains_key("retry-after");
        let text = reply.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text)), retry_after))
    }

    /// POSTs JSON to a service that may take longer; answers the status and whether the answer says
    /// when to come back.
    pub async fn post_slowly(&self, name: &str, body: &Value) -> anyhow::Result<(u16, bool)> {
        let sent = self.client.post(self.url(name)).timeout(Duration::from_secs(40)).json(body);
        let reply = sent.send().await?;
        let answer = (reply.status().as_u16(), reply.headers().contains_key("retry-after"));
        reply.bytes().await?;
        Ok(answer)
    }

    /// Publishes a task.
    pub async fn publish(&self, name: &str, code: &str) -> anyhow::Result<()> {
        let body = json!({ "name": name, "code": code });
        let (status, reply, _) = self.post("tasks", "/publish", &body).await?;
        ensure!(status == 200, "publish answered {status}: {reply}");
        Ok(())
    }

    /// Submits a run; its id once it was acknowledged.
    pub async fn submit(&self, name: &str, input: &Value) -> anyhow::Result<i64> {
        let body = json!({ "task_identifier": name, "input": input });
        let (status, reply, _) = self.post("tasks", "/execute", &body).await?;
        ensure!(status == 200, "execute answered {status}: {reply}");
        reply["data"]["result"]["taskRunId"].as_i64().context("no taskRunId")
    }

    /// Tells a processor that there may be work.
    pub async fn kick(&self) {
        let _ = self.post(PROCESSOR, "", &json!({ "trigger": "process-next" })).await;
    }
}

fn one(setup: &Setup<'_>, db: &str) -> anyhow::Result<Member> {
    let port = free_port()?;
    let own = format!("http://127.0.0.1:{port}/functions/v1");
    let mut urls = vec![format!("wrappedoracle={}/wrappedoracle", setup.oracle)];
    if let Some(proxy) = setup.proxy {
        for name in SERVICES {
            proxy.route(name, vec![format!("{own}/{name}")]);
            urls.push(format!("{name}={}/{name}", proxy.url));
        }
    }
    // Its effects are counted too.
    urls.push(format!("wrappedgapi={}/wrappedgapi", setup.oracle));
    let mut env = setup.env.clone();
    env.push(("TASKER_SERVICE_URLS".into(), urls.join(",")));
    let args = ["--port", &port.to_string(), "--db", db].map(str::to_owned).to_vec();
    Ok(Member { name: "tasker-dev".into(), url: format!("{own}/tasks"), env, args, process: None })
}

/// The proxy's route to one process of a service that may have several.
fn own_route(name: &str, k: usize) -> Option<String> {
    match name {
        PROCESSOR => Some(format!("own-{k}")),
        EXECUTOR => Some(format!("executor-{k}")),
        _ => None,
    }
}

fn six(setup: &Setup<'_>, database: &str) -> anyhow::Result<Vec<Member>> {
    let mut members = Vec::new();
    for name in SERVICES {
        let count = match name {
            PROCESSOR => setup.processors.max(1),
            EXECUTOR => setup.executors.max(1),
            _ => 1,
        };
        for k in 0..count {
            let port = free_port()?;
            let url = format!("http://127.0.0.1:{port}/functions/v1/{name}");
            let mut env = setup.env.clone();
            env.push(("DATABASE_URL".into(), database.to_owned()));
            env.push(("TASKER_SLOT".into(), format!("processor-{k}")));
            if let (Some(own), Some(proxy)) = (own_route(name, k), setup.proxy) {
                proxy.route(&own, vec![url.clone()]);
                let own = format!("{}/{own}", proxy.url);
                env.push(("TASKER_ADVERTISE_URL".into(), own.clone()));
                if name == PROCESSOR {
                    env.push(("TASKER_OWN_URL".into(), own));
                }
            }
            let args = vec!["--port".to_owned(), port.to_string()];
            members.push(Member { name: name.to_owned(), url, env, args, process: None });
        }
    }
    let mut urls = vec![format!("wrappedoracle={}/wrappedoracle", setup.oracle)];
    urls.extend(setup.down.map(|(name, port)| format!("{name}=http://127.0.0.1:{port}/{name}")));
    for name in SERVICES {
        let own: Vec<String> =
            members.iter().filter(|m| m.name == name).map(|m| m.url.clone()).collect();
        urls.push(match (name, setup.proxy) {
            ("wrappedgapi", _) => format!("{name}={}/{name}", setup.oracle),
            (_, Some(proxy)) => {
                proxy.route(name, own);
                format!("{name}={}/{name}", proxy.url)
            }
            (_, None) => format!("{name}={}", own[0]),
        });
    }
    for member in &mut members {
        member.env.push(("TASKER_SERVICE_URLS".into(), urls.join(",")));
    }
    Ok(members)
}
