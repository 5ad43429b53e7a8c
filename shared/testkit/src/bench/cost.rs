//! Commits, bytes of WAL and CPU of one call, alone and in the crowd.

use std::path::Path;

use serde_json::json;

use super::{
    counters::Counters,
    cpu::{self, Cpu},
    table::{Line, Table},
    world::{Store, World},
};

/// Runs at once, calls of each, and what that is called.
const LOADS: [(u32, u32, &str); 2] = [
    (1, 1_000, "alone (one run, 1,000 calls)"),
    (50, 200, "in the crowd (50 runs, 200 calls each)"),
];

/// Both loads, each counted by itself.
pub async fn measure(store: Store, dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let world = World::start(store, dir, &[]).await?;
    world.load.warm_up("gapi").await?;
    for (runs, calls, what) in LOADS {
        load(&world, runs, calls, what, table).await?;
    }
    Ok(())
}

async fn load(
    world: &World,
    runs: u32,
    calls: u32,
    what: &str,
    table: &mut Table,
) -> anyhow::Result<()> {
    let r = world.r()?;
    let counted = counters(world).await?;
    let used = cpu(world);
    let input = json!({ "n": calls, "service": "gapi" });
    let first = world.load.work("calls", &input, runs.try_into()?).await?;
    let used = used.and_then(|before| Ok(cpu::since(&before, &cpu(world)?)));
    let counted = counted.zip(counters(world).await?);
    let n = f64::from(runs * calls);
    let rate = n / world.load.seconds(first).await?;
    table.line(&Line {
        what: &format!("{what}: calls"),
        value: format!("{rate:.0} calls/s"),
        rate: Some(rate),
        r: r.zip(world.r()?),
        how: "first row made to last run ended, by the database's clock",
    })?;
    if let Some((before, after)) = counted {
        let (commits, wal) = (after.commits - before.commits, after.wal - before.wal);
        figure(
            table,
            &format!("{what}: commits"),
            &format!("{:.3}", per(commits, n)),
            "pg_stat_database.xact_commit, once every connection has reported; \
                the bench asks four times a second whether all ended",
        )?;
        figure(
            table,
            &format!("{what}: WAL"),
            &format!("{:.0} bytes", per(wal, n)),
            "pg_current_wal_lsn; pages written whole after a checkpoint are in it",
        )?;
    }
    match used {
        Ok(used) => processes(&used, n, what, table),
        Err(error) => Ok(table.note(&format!("{what}: CPU"), &format!("no /proc: {error}"))?),
    }
}

fn processes(used: &Cpu, n: f64, what: &str, table: &mut Table) -> anyhow::Result<()> {
    let how = "utime and stime of /proc/PID/stat, ended children from cutime and cstime";
    let ms = |ms: u64| format!("{:.3} ms", per(i64::try_from(ms).unwrap_or(i64::MAX), n));
    for (name, used) in used.iter().filter(|(_, used)| **used > 0) {
        figure(table, &format!("{what}: CPU of {name}"), &ms(*used), how)?;
    }
    let how = "the sum of these; the bench itself is not in it";
    figure(table, &format!("{what}: CPU of all"), &ms(used.values().sum()), how)
}

fn figure(table: &mut Table, what: &str, value: &str, how: &str) -> anyhow::Result<()> {
    let value = format!("{value} a call");
    Ok(table.line(&Line { what, value, how, ..Line::default() })?)
}

#[expect(clippy::cast_precision_loss, reason = "counts of one load")]
fn per(count: i64, calls: f64) -> f64 {
    count as f64 / calls
}

async fn counters(world: &World) -> anyhow::Result<Option<Counters>> {
    match &world.postgres {
        Some(postgres) => Counters::read(postgres).await.map(Some),
        None => Ok(None),
    }
}

/// CPU so far of all services, their workers and the database's processes.
fn cpu(world: &World) -> std::io::Result<Cpu> {
    let mut roots: Vec<(String, u32)> =
        world.stack.processes.iter().map(|p| (p.name.clone(), p.id())).collect();
    let cluster = world.postgres.as_ref().and_then(|p| p.server.cluster()?.id());
    roots.extend(cluster.map(|id| ("postgres".to_owned(), id)));
    cpu::of(&roots)
}
