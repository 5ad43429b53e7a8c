//! Work for a tasker, and how long it took by the database's own clock.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use crate::chaos::db::Db;

/// One call after the other. `key`: the calls are said to be safe to repeat.
pub const CALLS: &str = "module.exports = async ({ n, service, key }) => { \
    for (let i = 0; i < n; i++) { \
      const more = key ? [{ idempotencyKey: `bench-${key}-${i}` }] : []; \
      await __callHostTool__(service, 'echo', [i], ...more); } \
    return n; };";
/// Requests that submit runs at the same time.
const SUBMITTERS: usize = 16;
/// How often is asked whether all runs have ended: seldom, since that costs commits and CPU too.
const ASK: Duration = Duration::from_millis(250);
/// For the calls of one run, whoever made them; some machines commit 200 times a second.
pub const PATIENCE: Duration = Duration::from_secs(3_600);

/// Clients of a tasker.
pub struct Load {
    http: reqwest::Client,
    url: String,
    db: Db,
}

impl Load {
    /// Of the tasker at `url`, whose rows are in `db`.
    pub fn new(url: &str, db: Db) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
        Ok(Self { http, url: url.to_owned(), db })
    }

    /// Publishes a task.
    pub async fn publish(&self, name: &str, code: &str) -> anyhow::Result<()> {
        let body = json!({ "name": name, "code": code });
        self.post("tasks/publish", &body).await.map(drop)
    }

    /// Publishes [`CALLS`] and makes a few, so that nothing starts while something is measured.
    pub async fn warm_up(&self, service: &str) -> anyhow::Result<()> {
        self.publish("calls", CALLS).await?;
        self.work("calls", &json!({ "n": 50, "service": service }), 4).await.map(drop)
    }

    /// POSTs JSON to a service; the answer.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let reply = self.http.post(format!("{}/{path}", self.url)).json(body).send().await?;
        let (status, text) = (reply.status(), reply.text().await?);
        ensure!(status.is_success(), "{path} answered {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let reply = self.http.get(format!("{}/{path}", self.url)).send().await?;
        Ok(reply.error_for_status()?.json().await?)
    }

    /// Submits a run; its id.
    pub async fn submit(&self, task: &str, input: &Value) -> anyhow::Result<i64> {
        let body = json!({ "task_identifier": task, "input": input });
        let reply = self.post("tasks/execute", &body).await?;
        reply["data"]["result"]["taskRunId"].as_i64().context("no taskRunId")
    }

    /// Submits so many runs and waits until none is open; the lowest of their ids.
    pub async fn work(&self, task: &str, input: &Value, runs: usize) -> anyhow::Result<i64> {
        let submitted = (0..runs).map(|_| self.submit(task, input));
        let submitted = stream::iter(submitted).buffer_unordered(SUBMITTERS);
        let ids: Vec<i64> = submitted.try_collect().await?;
        let until = Instant::now() + PATIENCE;
        while self.open().await? {
            ensure!(Instant::now() < until, "runs are still open after {PATIENCE:?}");
            tokio::time::sleep(ASK).await;
        }
        ids.into_iter().min().context("no runs")
    }

    async fn open(&self) -> anyhow::Result<bool> {
        // In this order: a run that begins in between is seen in the second.
        for status in ["pending", "processing"] {
            let found = self.get(&format!("tasks/runs?status={status}&limit=1")).await?;
            let runs = found["data"]["runs"].as_array().context("no runs in the answer")?;
            if !runs.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Seconds from the first row of the runs since `first` to the end of the last.
    pub async fn seconds(&self, first: i64) -> anyhow::Result<f64> {
        let runs = format!("from task_runs where id >= {first}");
        let failed = format!("select count(*) {runs} and status <> 'completed'");
        ensure!(self.db.number(&failed).await? == 0, "runs failed");
        self.span(&runs).await
    }

    /// Seconds from the first to the end of the last of so many calls of a run, after `skipped`.
    pub async fn seconds_of_calls(&self, run: i64, n: u32, skipped: u32) -> anyhow::Result<f64> {
        let calls = format!(
            "from (select created_at, ended_at from stack_runs where parent_task_run_id = {run} \
             and kind = 'call' order by seq limit {n} offset {skipped}) calls"
        );
        self.span(&calls).await
    }

    async fn span(&self, rows: &str) -> anyhow::Result<f64> {
        let span = "max(ended_at) - min(created_at)";
        let ms = match self.db {
            Db::Postgres(_) => format!("(extract(epoch from {span}) * 1000)::bigint"),
            Db::Sqlite(_) => span.to_owned(),
        };
        let ms = self.db.number(&format!("select {ms} {rows}")).await?;
        Ok(Duration::from_millis(ms.max(1).unsigned_abs()).as_secs_f64())
    }

    /// Seconds from submitting a run to seeing that it ended, asked every 15 ms as a client would.
    pub async fn seen(&self, task: &str, input: &Value) -> anyhow::Result<f64> {
        let began = Instant::now();
        let run = self.submit(task, input).await?;
        loop {
            let row = self.get(&format!("tasks/status/{run}?stack_runs=0")).await?;
            match row["status"].as_str() {
                Some("completed") => return Ok(began.elapsed().as_secs_f64()),
                Some("failed" | "cancelled") => anyhow::bail!("{row}"),
                _ => {}
            }
            ensure!(began.elapsed() < PATIENCE, "run {run} did not end: {row}");
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }
}
