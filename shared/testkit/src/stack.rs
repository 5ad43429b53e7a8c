//! tasker as its users run it: one process on SQLite, or six on Postgres behind the gateway.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tasker_core::call::SERVICES;

use crate::process::{Process, free_port};

/// Which database and how many processes.
#[derive(Clone, Debug)]
pub enum Shape {
    /// `tasker-dev` on an SQLite file.
    One,
    /// Six services on this Postgres, and a gateway.
    Six(String),
}

/// A running tasker.
pub struct Stack {
    /// Where clients reach it, up to `/functions/v1`.
    pub url: String,
    /// Its processes: one, or the six and the gateway.
    pub processes: Vec<Process>,
    dir: PathBuf,
    plans: Vec<Plan>,
}

/// How to start a process, and start it again.
#[derive(Clone)]
pub struct Plan {
    /// Name of the binary.
    pub name: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment beside the one it inherits.
    pub env: Vec<(String, String)>,
    /// Address that answers once it is up.
    pub health: String,
}

impl Stack {
    /// Starts it with its files in `dir` and more environment for every process.
    pub async fn start(shape: Shape, dir: &Path, env: &[(String, String)]) -> anyhow::Result<Self> {
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}/functions/v1");
        let plans = match &shape {
            Shape::One => vec![one(port, dir, env)],
            Shape::Six(database) => six(port, database, dir, env)?,
        };
        Self::of(url, plans, dir).await
    }

    /// Starts these processes, which clients reach at `url`, and waits until all of them answer.
    pub async fn of(url: String, plans: Vec<Plan>, dir: &Path) -> anyhow::Result<Self> {
        tasker_http::install_crypto();
        std::fs::create_dir_all(dir)?;
        let mut stack =
            Self { url, processes: Vec::new(), dir: dir.to_owned(), plans: plans.clone() };
        for plan in &plans {
            stack.processes.push(stack.spawn(plan)?);
        }
        for (process, plan) in stack.processes.iter_mut().zip(&plans) {
            process.ready(&plan.health).await?;
        }
        Ok(stack)
    }

    fn spawn(&self, plan: &Plan) -> anyhow::Result<Process> {
        Process::spawn(&plan.name, &plan.args, &plan.env, &self.dir)
    }

    fn index(&self, name: &str) -> anyhow::Result<usize> {
        // The one process is every service.
        let found = self.plans.iter().position(|p| p.name == name);
        found
            .or_else(|| (self.plans.len() == 1).then_some(0))
            .with_context(|| format!("no process {name}"))
    }

    /// Where a service itself listens, without the gateway.
    pub fn service(&self, name: &str) -> anyhow::Result<String> {
        let plan = &self.plans[self.index(name)?];
        Ok(plan.health.trim_end_matches("/health").to_owned())
    }

    /// `kill -9` of one service, and its restart.
    pub async fn kill_and_restart(&mut self, name: &str) -> anyhow::Result<()> {
        let index = self.index(name)?;
        self.processes[index].kill();
        self.revive(index).await
    }

    /// `kill -9` of all processes, and their restart.
    pub async fn kill_all_and_restart(&mut self) -> anyhow::Result<()> {
        self.processes.iter_mut().for_each(Process::kill);
        for index in 0..self.plans.len() {
            self.revive(index).await?;
        }
        Ok(())
    }

    async fn revive(&mut self, index: usize) -> anyhow::Result<()> {
        let plan = self.plans[index].clone();
        self.processes[index] = self.spawn(&plan)?;
        self.processes[index].ready(&plan.health).await
    }

    /// POSTs JSON; answers status and body.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
        let url = format!("{}/{path}", self.url);
        let reply = reqwest::Client::new().post(url).json(body).send().await?;
        let (status, text) = (reply.status().as_u16(), reply.text().await?);
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// GETs JSON; answers status and body.
    pub async fn get(&self, path: &str) -> anyhow::Result<(u16, Value)> {
        let reply = reqwest::get(format!("{}/{path}", self.url)).await?;
        let (status, text) = (reply.status().as_u16(), reply.text().await?);
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// Publishes code, be it broken: that a run then says where is a case of its own.
    pub async fn publish(&self, name: &str, code: &str) -> anyhow::Result<()> {
        let body = serde_json::json!({ "name": name, "code": code, "check": false });
        let (status, reply) = self.post("tasks/publish", &body).await?;
        ensure!(status == 200, "publish answered {status}: {reply}");
        Ok(())
    }

    /// Submits a run; answers its id.
    pub async fn submit(&self, name: &str, input: Value) -> anyhow::Result<i64> {
        let body = serde_json::json!({ "task_identifier": name, "input": input });
        let (status, reply) = self.post("tasks/execute", &body).await?;
        ensure!(status == 200, "execute answered {status}: {reply}");
        reply["data"]["result"]["taskRunId"].as_i64().context("no taskRunId")
    }

    /// The run's row, once it ended.
    pub async fn ended(&self, run: i64, within: Duration) -> anyhow::Result<Value> {
        let until = Instant::now() + within;
        loop {
            // While processes are being killed nobody may answer.
            let row = self.get(&format!("tasks/status/{run}?stack_runs=0")).await;
            if let Ok((200, row)) = &row
                && ["completed", "failed", "cancelled"]
                    .contains(&row["status"].as_str().unwrap_or(""))
            {
                return Ok(row.clone());
            }
            ensure!(Instant::now() < until, "run {run} did not end in {within:?}: {row:?}");
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    /// Publishes, submits and waits.
    pub async fn run(&self, name: &str, code: &str, input: Value) -> anyhow::Result<Value> {
        self.publish(name, code).await?;
        let id = self.submit(name, input).await?;
        self.ended(id, Duration::from_secs(60)).await
    }

    /// The end of every process's log, for a failing test's message.
    pub fn logs(&self) -> String {
        let tail = |p: &Process| {
            let text = std::fs::read_to_string(&p.log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(30).collect();
            let lines: Vec<&str> = lines.into_iter().rev().collect();
            format!("--- {}\n{}\n", p.name, lines.join("\n"))
        };
        self.processes.iter().map(tail).collect()
    }
}

fn one(port: u16, dir: &Path, env: &[(String, String)]) -> Plan {
    let db = dir.join("tasker.db").display().to_string();
    Plan {
        name: "tasker-dev".into(),
        args: ["--port", &port.to_string(), "--db", &db].map(str::to_owned).to_vec(),
        env: env.to_vec(),
        health: format!("http://127.0.0.1:{port}/functions/v1/tasks/health"),
    }
}

/// As `tasker-dev processes` starts them: they reach each other over sockets, the gateway over TCP.
fn six(
    port: u16,
    database: &str,
    dir: &Path,
    env: &[(String, String)],
) -> anyhow::Result<Vec<Plan>> {
    let (mut urls, mut sockets) = (Vec::new(), Vec::new());
    let mut plans = Vec::new();
    for name in SERVICES {
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}/functions/v1/{name}");
        let socket = dir.join(format!("{name}.sock")).display().to_string();
        urls.push(format!("{name}={url}"));
        sockets.push(format!("{name}=unix:{socket}"));
        let args = vec!["--port".to_owned(), port.to_string()];
        plans.push(Plan {
            name: name.to_owned(),
            args,
            env: vec![
                ("TASKER_SOCKET".into(), socket.clone()),
                ("TASKER_ADVERTISE_URL".into(), format!("unix:{socket}")),
            ],
            health: format!("{url}/health"),
        });
    }
    for plan in &mut plans {
        plan.env.push(("TASKER_SERVICE_URLS".into(), sockets.join(",")));
    }
    let args = vec!["gateway".to_owned(), "--port".to_owned(), port.to_string()];
    let health = format!("http://127.0.0.1:{port}/functions/v1/tasks/health");
    let urls = vec![("TASKER_SERVICE_URLS".into(), urls.join(","))];
    plans.push(Plan { name: "tasker-dev".into(), args, env: urls, health });
    // What tasker-dev makes for itself on SQLite.
    let key = tasker_store::MasterKey::generate()?.expose().to_string();
    for plan in &mut plans {
        plan.env = [env, &plan.env].concat();
        if !env.iter().any(|(name, _)| name.starts_with("TASKER_MASTER_KEY")) {
            plan.env.push(("TASKER_MASTER_KEY".into(), key.clone()));
        }
        plan.env.push(("DATABASE_URL".into(), database.to_owned()));
    }
    Ok(plans)
}
