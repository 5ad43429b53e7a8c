//! Makes the databases that U1 starts from, by the binaries of an earlier release: see
//! `releases/README.md`.

use std::{
    io::Write as _,
    ops::RangeFrom,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::chaos::{
    Case,
    before::{EFFECT, STATE},
    db::Db,
    world::{Shape, World},
};

/// Steps of several kinds; at one of them, `stop`, it comes to stand.
const JOURNEY: &str = "module.exports = async ({ key, phase, n, stop, how }) => { \
    const echo = (ask) => __callHostTool__('gapi', 'echo', [ask]); \
    const effect = (ask) => __callHostTool__('wrappedoracle', 'effect', [ask]); \
    const held = (ask) => echo({ ...ask, gate: [1] }); \
    const stops = { \
        reads: held, \
        soon: (ask) => echo({ ...ask, gate: [2] }), \
        writes: (ask) => effect({ ...ask, gate: [1] }), \
        cut: (ask) => effect({ ...ask, cut: 1 }), \
        sleeps: () => new Promise((done) => setTimeout(done, 3600000)), \
        below: () => __callHostTool__('tasks', 'execute', ['journey', { key: key + '-below', phase, n: 3, stop: 1, how: 'reads' }]), \
        spins: (ask) => { for (let k = 0; k < 20000000; k++); return held(ask); }, \
    }; \
    const seen = []; \
    for (let i = 0; i < n; i++) { \
        const ask = { key, phase, i }; \
        const step = i === stop ? stops[how] : how === 'soon' && i === stop + 1 ? held : i % 3 === 1 ? effect : echo; \
        const answer = await step(ask); \
        seen.push(step === stops.below ? answer : i); \
    } return seen; };";

/// Calls that are under way when nobody is free any more.
const HELD: i64 = 120;
const CALLS: &str = "select count(*) from stack_runs where kind = 'call' and status = 'processing' \
    and cast(args as text) like '%gate%'";
/// How rows are counted; the last three are waited for.
const STATES: [(&str, &str); 10] = [
    ("calls of a process that is gone", "kind = 'call' and status = 'processing'"),
    (
        "such calls that must not be repeated",
        "kind = 'call' and status = 'processing' and not idempotent",
    ),
    ("calls that wait for a person", "status = 'needs_attention'"),
    ("timers", "kind = 'timer' and status = 'pending'"),
    ("calls that are runs", "kind = 'call' and status = 'suspended_waiting_child'"),
    ("runs that wait for a call", "kind = 'task' and status = 'suspended_waiting_child'"),
    ("paused runs", "kind = 'task' and not runnable"),
    ("runs not begun", "kind = 'task' and status = 'pending'"),
    ("runs ready to go on", "kind = 'task' and status = 'pending_resume' and runnable"),
    ("runs that a gone process is executing", "kind = 'task' and status = 'processing'"),
];

/// Has the binaries bring 200 runs into every state, kills them, and writes what they leave, on both
/// databases.
pub async fn make(seed: u64, dir: &Path, to: &Path) -> anyhow::Result<()> {
    for sqlite in [false, true] {
        let id = if sqlite { "I-U1" } else { "U1" };
        let case = Case { id, seed, short: true, sqlite, fault: None, dir: dir.to_owned() };
        one(&case, to).await?;
    }
    Ok(())
}

async fn one(case: &Case, to: &Path) -> anyhow::Result<()> {
    let slots = if case.sqlite { "120" } else { "60" };
    // Next to nothing stays parked: runs that are to go on have to be executed again.
    let env = vec![("TASKER_CONCURRENCY", slots), ("TASKER_PARKED_BYTES", "1")];
    let shape = Shape { processors: 2, proxied: true, env, ..Shape::default() };
    let mut world = World::start(case, shape).await?;
    world.fleet.publish("journey", JOURNEY).await?;
    let mut keys = 0..;
    for how in ["cut", "sleeps", "below"] {
        submit(&world, &mut keys, how, 20, None).await?;
    }
    until(&world, "select count(*) from stack_runs where status = 'needs_attention'", 20).await?;
    until(&world, "select count(*) from stack_runs where kind = 'timer'", 20).await?;
    until(&world, CALLS, 20).await?;
    let mut paused = submit(&world, &mut keys, "reads", 10, None).await?;
    paused.extend(submit(&world, &mut keys, "soon", 10, None).await?);
    until(&world, CALLS, 40).await?;
    for run in paused {
        let (status, reply, _) =
            world.fleet.post("tasks", "/pause", &json!({ "taskRunId": run })).await?;
        ensure!(status == 200, "pause answered {status}: {reply}");
    }
    submit(&world, &mut keys, "soon", 20, None).await?;
    submit(&world, &mut keys, "reads", 30, None).await?;
    submit(&world, &mut keys, "writes", 30, None).await?;
    until(&world, CALLS, HELD).await?;
    submit(&world, &mut keys, "spins", 6, Some(1)).await?;
    submit(&world, &mut keys, "reads", 34, Some(0)).await?;
    // Calls end, and more wants to go on than there is room for.
    world.oracle.open(2);
    for (_, what) in &STATES[7..] {
        until(&world, &format!("select count(*) from stack_runs where {what}"), 2).await?;
    }
    world.fleet.kill_all();
    write(&world, case, to).await
}

async fn submit(
    world: &World,
    keys: &mut RangeFrom<usize>,
    how: &str,
    count: usize,
    stop: Option<usize>,
) -> anyhow::Result<Vec<i64>> {
    let mut runs = Vec::new();
    for key in keys.take(count) {
        let stop = stop.unwrap_or(2 + key % 4);
        let input =
            json!({ "key": key, "phase": "before", "n": stop + 3, "stop": stop, "how": how });
        runs.push(world.fleet.submit("journey", &input).await?);
    }
    Ok(runs)
}

/// Waits until at least so many are counted.
async fn until(world: &World, count: &str, least: i64) -> anyhow::Result<()> {
    let began = Instant::now();
    while world.db.number(count).await? < least {
        ensure!(began.elapsed() < Duration::from_secs(20), "never {least}: {count}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

async fn write(world: &World, case: &Case, to: &Path) -> anyhow::Result<()> {
    let (name, mut text) = match &world.db {
        Db::Postgres(url) => ("postgres", postgres(world, url).await?),
        Db::Sqlite(_) => ("sqlite", sqlite(&world.db).await?),
    };
    for (what, condition) in STATES {
        let count = format!("select count(*) from stack_runs where {condition}");
        let count = world.db.number(&count).await?;
        ensure!(count > 0, "there are no {what}: try again");
        text += &format!("{STATE}{count} {what}\n");
    }
    let effects = std::fs::read_to_string(case.path().join("effects.log"))?;
    text.extend(effects.lines().map(|line| format!("{EFFECT}{line}\n")));
    let file = std::fs::File::create(to.join(format!("{name}.sql.gz")))?;
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    packed.write_all(text.as_bytes())?;
    packed.finish()?;
    Ok(())
}

async fn postgres(world: &World, url: &str) -> anyhow::Result<String> {
    // These tests' own.
    world.db.rows("drop function chaos_late() cascade; drop table chaos_late").await?;
    let cluster = world.server.as_ref().and_then(|s| s.cluster()).context("no cluster")?;
    let mut dump = cluster.command("pg_dump");
    dump.args(["--no-owner", "--inserts", "--rows-per-insert=100"]).arg(url);
    let done = dump.output()?;
    ensure!(done.status.success(), "pg_dump: {}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8(done.stdout)?;
    // Those roles belong to the server. Lines with a backslash are for psql.
    let roles = ["anon", "authenticated", "service_role"]
        .map(|role| format!("create role {role} nologin;"));
    let lines =
        text.lines().filter(|l| !l.is_empty() && !l.starts_with("--") && !l.starts_with('\\'));
    Ok(roles.iter().map(String::as_str).chain(lines).map(|l| format!("{l}\n")).collect())
}

async fn sqlite(db: &Db) -> anyhow::Result<String> {
    let column = |rows: Vec<Vec<Option<String>>>| -> Vec<String> {
        rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
    };
    let version = db.number("pragma user_version").await?;
    let mut text = format!("pragma foreign_keys = off;\npragma user_version = {version};\n");
    let mut add = |statement: &str| text += &format!("{statement};\n");
    let made = "select sql from sqlite_master where sql is not null and type";
    let tables = column(db.rows(&format!("{made} = 'table'")).await?);
    tables.iter().for_each(|table| add(table));
    for table in column(db.rows("select name from sqlite_master where type = 'table'").await?) {
        let names =
            column(db.rows(&format!("select name from pragma_table_info('{table}')")).await?);
        let values: Vec<String> = names.iter().map(|name| format!("quote(\"{name}\")")).collect();
        let values = values.join(" || ',' || ");
        let rows = format!("select 'insert into {table} values (' || {values} || ')' from {table}");
        column(db.rows(&rows).await?).iter().for_each(|row| add(row));
    }
    column(db.rows(&format!("{made} <> 'table'")).await?).iter().for_each(|other| add(other));
    Ok(text)
}
