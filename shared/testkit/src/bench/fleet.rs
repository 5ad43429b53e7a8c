//! Several executors and processors behind HAProxy, beside one of each.

use std::path::Path;

use serde_json::json;
use tasker_core::call::SERVICES;

use super::{
    balancer::{self, Balancer},
    load::Load,
    table::{Line, Table, median},
    world::Postgres,
};
use crate::{
    chaos::db::Db,
    pg::Database,
    process::free_port,
    stack::{Plan, Stack},
};

const EXECUTOR: &str = "deno-executor";
const PROCESSOR: &str = "simple-stack-processor";
/// Executors and processors.
const FLEETS: [(usize, usize); 2] = [(2, 2), (3, 2)];
/// The fleet and the one executor take turns.
const TURNS: u32 = 3;
/// Calls of the run that shows whether a long one stays as fast as it began.
const LONG: u32 = 10_000;

/// tasker's processes and HAProxy, on a database of their own. They stop in this order.
struct Fleet {
    load: Load,
    _stack: Stack,
    _balancer: Balancer,
    _database: Database,
}

impl Fleet {
    async fn start(
        postgres: &Postgres,
        haproxy: &Path,
        (executors, processors): (usize, usize),
        dir: &Path,
    ) -> anyhow::Result<Self> {
        let database = postgres.server.database().await?;
        let port = balancer::port()?;
        let mut backends = Vec::new();
        let mut plans = Vec::new();
        let key = tasker_store::MasterKey::generate()?.expose().to_string();
        for name in SERVICES {
            let count = match name {
                EXECUTOR => executors,
                PROCESSOR => processors,
                _ => 1,
            };
            let ports = (0..count).map(|_| free_port()).collect::<anyhow::Result<Vec<u16>>>()?;
            for (k, own) in ports.iter().enumerate() {
                let mut plan = plan(name, k, *own);
                plan.env.push(("DATABASE_URL".into(), database.url().to_owned()));
                plan.env.push(("TASKER_FUNCTIONS_URL".into(), balancer::url(port)));
                plan.env.push(("TASKER_MASTER_KEY".into(), key.clone()));
                plans.push(plan);
            }
            backends.push((name, ports));
        }
        let balancer = Balancer::start(haproxy, port, &backends, dir).await?;
        let stack = Stack::of(balancer.url.clone(), plans, dir).await?;
        let load = Load::new(&stack.url, Db::Postgres(database.url().to_owned()))?;
        load.warm_up("gapi").await?;
        Ok(Self { load, _stack: stack, _balancer: balancer, _database: database })
    }

    /// Calls a second of one run.
    async fn sequential(&self, n: u32) -> anyhow::Result<f64> {
        let input = json!({ "n": n, "service": "gapi" });
        let run = self.load.work("calls", &input, 1).await?;
        Ok(f64::from(n) / self.load.seconds(run).await?)
    }

    /// How the last 1,000 calls of a long run compare with its first.
    async fn flatness(&self) -> anyhow::Result<(f64, f64)> {
        let run = self.load.work("calls", &json!({ "n": LONG, "service": "gapi" }), 1).await?;
        self.load.seconds(run).await?;
        let first = 1_000.0 / self.load.seconds_of_calls(run, 1_000, 0).await?;
        let last = 1_000.0 / self.load.seconds_of_calls(run, 1_000, LONG - 1_000).await?;
        Ok((first, last))
    }
}

/// One process: it says where it is reached itself, not only behind the common address.
fn plan(name: &str, k: usize, port: u16) -> Plan {
    let url = format!("{}/{name}", balancer::url(port));
    let mut env = Vec::new();
    if name == PROCESSOR {
        env.push(("TASKER_SLOT".to_owned(), format!("processor-{k}")));
    }
    if [EXECUTOR, PROCESSOR].contains(&name) {
        env.push(("TASKER_ADVERTISE_URL".to_owned(), url.clone()));
    }
    let args = vec!["--port".to_owned(), port.to_string()];
    Plan { name: name.to_owned(), args, env, health: format!("{url}/health") }
}

/// Each fleet in turns with one executor and one processor, on one cluster.
pub async fn measure(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let Some(haproxy) = balancer::program() else {
        return Ok(table.note("not measured", "haproxy is not installed: tools/setup haproxy")?);
    };
    let postgres = Postgres::start().await?;
    let one = Fleet::start(&postgres, &haproxy, (1, 1), &dir.join("one")).await?;
    flat(&one, "1 executor, 1 processor", table, &postgres).await?;
    for size in FLEETS {
        let what = format!("{} executors, {} processors", size.0, size.1);
        let files = dir.join(size.0.to_string());
        let fleet = Fleet::start(&postgres, &haproxy, size, &files).await?;
        turns(&one, &fleet, &what, table, &postgres).await?;
        flat(&fleet, &what, table, &postgres).await?;
    }
    Ok(())
}

async fn turns(
    one: &Fleet,
    fleet: &Fleet,
    what: &str,
    table: &mut Table,
    postgres: &Postgres,
) -> anyhow::Result<()> {
    let before = postgres.r()?;
    let (mut alone, mut many) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        alone.push(one.sequential(1_000).await?);
        many.push(fleet.sequential(1_000).await?);
    }
    let r = Some((before, postgres.r()?));
    let how = "median of 3 runs of 1,000 calls, in turns with the other";
    for (who, rates) in [("1 executor, 1 processor", &alone), (what, &many)] {
        let rate = median(rates);
        let value = format!("{rate:.0} calls/s");
        table.line(&Line { what: &format!("{who}: one run"), value, rate: Some(rate), r, how })?;
    }
    let ratios: Vec<f64> = many.iter().zip(&alone).map(|(many, alone)| many / alone).collect();
    let value = format!("{:.2}", median(&ratios));
    let what = format!("{what} / one of each");
    let how = "median of the 3 turns' own ratios";
    Ok(table.line(&Line { what: &what, value, how, ..Line::default() })?)
}

async fn flat(
    fleet: &Fleet,
    what: &str,
    table: &mut Table,
    postgres: &Postgres,
) -> anyhow::Result<()> {
    let before = postgres.r()?;
    let (first, last) = fleet.flatness().await?;
    Ok(table.line(&Line {
        what: &format!("{what}: last 1,000 of 10,000 calls / first 1,000"),
        value: format!("{last:.0} / {first:.0} = {:.2}", last / first),
        rate: Some(last),
        r: Some((before, postgres.r()?)),
        how: "one run; first row made to last call ended, by the database's clock",
    })?)
}
