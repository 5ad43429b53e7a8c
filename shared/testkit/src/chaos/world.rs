//! One experiment's own Postgres (or SQLite file), oracle and processes, and the work they do.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{
    Case, before,
    db::Db,
    fleet::{Fleet, PROCESSOR, Setup},
    ground::{Ground, Standing},
    oracle::Oracle,
    proxy::Proxy,
    tasks::{LEAF, MIXED, ONE},
};
use crate::{
    pg::{Database, Server},
    process::free_port,
};

/// How a world differs from the ordinary.
#[derive(Default)]
pub struct Shape {
    /// Processors; 1 if 0.
    pub processors: usize,
    /// Executors; 1 if 0.
    pub executors: usize,
    /// Everything between services goes through a fault proxy.
    pub proxied: bool,
    /// What the database is like.
    pub ground: Ground,
    /// A fault that is no missing guard: in the experiment as in its controls.
    pub fault: Option<&'static str>,
    /// More environment for every process.
    pub env: Vec<(&'static str, &'static str)>,
    /// A service that is not there until [`World::come_up`].
    pub down: Option<&'static str>,
}

/// Everything an experiment runs on. Dropped in this order.
pub struct World {
    pub fleet: Fleet,
    pub oracle: Oracle,
    pub proxy: Option<Proxy>,
    pub db: Db,
    /// Port of the service that is not there.
    down: Option<u16>,
    _database: Option<Database>,
    pub server: Option<Arc<Server>>,
}

/// What the clean run answered, by key.
pub type Results = BTreeMap<String, String>;

impl World {
    /// Starts it and publishes the tasks.
    pub async fn start(case: &Case, shape: Shape) -> anyhow::Result<Self> {
        let dir = case.folder()?;
        let Standing { db, server, database } = shape.ground.stand(case, &dir).await?;
        db.watch_history().await?;
        let oracle = Oracle::start(&dir).await?;
        if shape.ground == Ground::Release {
            before::effects(&db)?.iter().try_for_each(|line| oracle.remember(line))?;
        }
        let proxy = if shape.proxied { Some(Proxy::start(case.seed).await?) } else { None };
        let mut env = vec![("RUST_LOG".to_owned(), "info".to_owned())];
        env.extend(shape.env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let faults: Vec<&str> = shape.fault.into_iter().chain(case.fault).collect();
        if !faults.is_empty() {
            env.push(("TASKER_FAULT".into(), faults.join(",")));
        }
        let down = shape.down.map(|_| free_port()).transpose()?;
        let setup = Setup {
            dir: dir.clone(),
            db: &db,
            oracle: &oracle.url,
            processors: shape.processors,
            executors: shape.executors,
            proxy: proxy.as_ref(),
            down: shape.down.zip(down),
            env,
        };
        let fleet = Fleet::start(setup).await?;
        for (name, code) in [("mixed", MIXED), ("leaf", LEAF), ("one", ONE)] {
            fleet.publish(name, code).await?;
        }
        Ok(Self { fleet, oracle, proxy, db, down, _database: database, server })
    }

    /// Submits `runs` runs of `n` steps each; answers their ids.
    pub async fn submit_mixed(
        &self,
        phase: &str,
        runs: usize,
        n: usize,
    ) -> anyhow::Result<Vec<i64>> {
        let mut ids = Vec::with_capacity(runs);
        for key in 0..runs {
            let mut input = mixed(phase, key, n);
            if self.proxy.is_some() {
                // Of 400 calls that are lost four times of ten, eight tries are too few for some.
                input["retry"] = 30.into();
            }
            ids.push(self.fleet.submit("mixed", &input).await?);
        }
        Ok(ids)
    }

    /// One call with trouble asked for.
    pub async fn submit_one(
        &self,
        service: &str,
        method: &str,
        ask: &Value,
    ) -> anyhow::Result<i64> {
        self.fleet.submit("one", &json!({ "service": service, "method": method, "ask": ask })).await
    }

    /// Runs whose one call must not be repeated and is refused three times first: each attempt is a
    /// row that every processor would like to claim.
    pub async fn submit_contested(&self, phase: &str, runs: usize) -> anyhow::Result<()> {
        let options = json!({ "retry": { "attempts": 60, "backoffMs": 50, "maxBackoffMs": 200 } });
        for key in 0..runs {
            let ask = json!({ "key": format!("c{key}"), "phase": phase, "i": 0, "busy": 3 });
            let input = json!({ "service": "wrappedoracle", "method": "effect", "ask": ask, "options": options });
            self.fleet.submit("one", &input).await?;
        }
        Ok(())
    }

    /// The service that was down is there: the oracle.
    pub async fn come_up(&mut self) -> anyhow::Result<()> {
        self.oracle.also_at(self.down.context("no service is down")?).await
    }

    /// Runs that have not ended. `None`: the database does not answer.
    pub async fn open(&self) -> Option<i64> {
        let open = "select count(*) from task_runs where status not in ('completed', 'failed', 'cancelled')";
        self.db.number(open).await.ok()
    }

    /// Results of a phase by key.
    pub async fn results(&self, phase: &str) -> anyhow::Result<Results> {
        let rows = self
            .db
            .rows("select input, coalesce(result, error), status from task_runs where task_name = 'mixed'")
            .await?;
        let mut found = Results::new();
        for row in rows {
            let text = |i: usize| row[i].clone().unwrap_or_default();
            let input: Value = serde_json::from_str(&text(0)).context("input")?;
            if input["phase"] == phase {
                found.insert(input["key"].to_string(), format!("{} {}", text(2), text(1)));
            }
        }
        Ok(found)
    }

    /// Postgres ends as in a crash, stays down, and starts again.
    pub async fn crash_postgres(&self, down: Duration) -> anyhow::Result<()> {
        let server = self.server.clone().context("no Postgres")?;
        tokio::task::spawn_blocking(move || {
            let cluster = server.cluster().context("no cluster of our own")?;
            cluster.crash();
            std::thread::sleep(down);
            cluster.boot().context("Postgres does not start again")
        })
        .await?
    }
}

/// Input of a run.
pub fn mixed(phase: &str, key: usize, n: usize) -> Value {
    json!({ "key": format!("k{key}"), "phase": phase, "n": n })
}

/// Makes the folder of an experiment anew.
pub fn folder(dir: &std::path::Path) -> anyhow::Result<PathBuf> {
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir_all(dir)?;
    Ok(dir.to_owned())
}

/// Places of the services that are killed: every one but extra processors.
pub fn victims(world: &World) -> usize {
    world.fleet.members.len()
}

/// Place of the first processor.
pub fn processor(world: &World) -> usize {
    world.fleet.index(PROCESSOR)
}
