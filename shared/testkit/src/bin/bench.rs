//! `make bench`: what a durable step costs, beside what the database can do at all in the same
//! minute. Prints a table; asserts nothing.

use std::{
    io::Write as _,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::json;
use tasker_testkit::{
    pg::{Cluster, Database, Durability, Options, Server},
    stack::{Shape, Stack},
};

const SEQUENTIAL: &str = "module.exports = async ({ n }) => { \
    for (let i = 0; i < n; i++) await __callHostTool__('gapi', 'echo', [i]); return n; };";

/// Calls before the cost of late ones is looked at: as many as the full search makes.
const MANY: u32 = 29_000;
/// Late calls and those of a fresh run take turns, so that both see the same machine.
const ROUNDS: u32 = 15;

/// Calls a second, by the run's own clock, which goes by when results came.
const PACE: &str = "const pace = async (n) => { \
    const call = (i) => __callHostTool__('gapi', 'echo', [i]); \
    await call(0); const began = Date.now(); \
    for (let i = 0; i < n; i++) await call(i); return n * 1000 / (Date.now() - began); };";

#[tokio::main]
async fn main() -> ExitCode {
    match bench().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn bench() -> anyhow::Result<()> {
    let dir = std::env::temp_dir().join(format!("tasker-bench-{}", std::process::id()));
    let mut out = std::io::stdout();
    writeln!(out, "| what | value |\n|---|---|")?;
    cold_start(&dir, &mut out).await?;
    let server =
        Server::of(Cluster::with(Options { durability: Durability::Full, ..Options::default() })?);
    let database = server.database().await?;
    let before = pgbench(&server, &database)?;
    let stack = Stack::start(Shape::Six(database.url().to_owned()), &dir.join("pg"), &[]).await?;
    let commits = commits(&database).await?;
    let steps = sequential(&stack, 1_000).await?;
    let commits = crate::commits(&database).await? - commits;
    let after = pgbench(&server, &database)?;
    let late_on_postgres = late(&stack).await?;
    let single = (before + after) / 2.0;
    writeln!(out, "| Postgres, six processes: 1,000 sequential calls | {steps:.0} steps/s |")?;
    writeln!(
        out,
        "| pgbench, one client, one-row commits, same cluster, just before and after | {before:.0} and {after:.0} commits/s |"
    )?;
    writeln!(out, "| steps / commits of one client | {:.2} |", steps / single)?;
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let per_call = commits as f64 / 1_000.0;
    writeln!(out, "| commits per host call | {per_call:.3} |")?;
    writeln!(out, "| {late_on_postgres} |")?;
    drop(stack);
    let stack = Stack::start(Shape::One, &dir.join("sqlite"), &[]).await?;
    let steps = sequential(&stack, 1_000).await?;
    writeln!(out, "| SQLite, one process: 1,000 sequential calls | {steps:.0} steps/s |")?;
    writeln!(out, "| {} |", late(&stack).await?)?;
    let hops = hops(&stack, 2_000).await?;
    writeln!(out, "| HTTP requests to a service, one after the other | {hops:.0} /s |")?;
    writeln!(
        out,
        "| a step is three of them: at most, were all else free | {:.0} steps/s |",
        hops / 3.0
    )?;
    drop(stack);
    let _ = std::fs::remove_dir_all(dir);
    Ok(())
}

/// From starting the process to the first task's result.
async fn cold_start(dir: &std::path::Path, out: &mut impl std::io::Write) -> anyhow::Result<()> {
    let began = Instant::now();
    let stack = Stack::start(Shape::One, &dir.join("cold"), &[]).await?;
    let row = stack.run("one", "module.exports = () => 1;", json!({})).await?;
    ensure!(row["result"] == 1, "{row}");
    writeln!(
        out,
        "| cold start of the dev stack to the first result | {:.2} s |",
        began.elapsed().as_secs_f64()
    )?;
    Ok(())
}

/// Steps a second of one run, its own first and last calls included.
async fn sequential(stack: &Stack, n: u32) -> anyhow::Result<f64> {
    stack.run("warm-up", SEQUENTIAL, json!({ "n": 50 })).await?;
    stack.publish("sequential", SEQUENTIAL).await?;
    let began = Instant::now();
    let run = stack.submit("sequential", json!({ "n": n })).await?;
    let row = stack.ended(run, Duration::from_secs(300)).await?;
    ensure!(row["status"] == "completed", "{row}");
    Ok(f64::from(n) / began.elapsed().as_secs_f64())
}

/// How the calls of a run that made very many compare with those of a run that begins.
async fn late(stack: &Stack) -> anyhow::Result<String> {
    stack.publish("fresh", &format!("{PACE} module.exports = ({{ n }}) => pace(n);")).await?;
    let task = format!(
        "{PACE} module.exports = async ({{ many, rounds, n }}) => {{ await pace(many); \
         const late = [], fresh = []; for (let i = 0; i < rounds; i++) {{ late.push(await pace(n)); \
         fresh.push(await __callHostTool__('tasks', 'execute', ['fresh', {{ n }}])); }} \
         return {{ late, fresh }}; }};"
    );
    stack.publish("late", &task).await?;
    let input = json!({ "many": MANY, "rounds": ROUNDS, "n": 200 });
    let run = stack.submit("late", input).await?;
    let row = stack.ended(run, Duration::from_secs(600)).await?;
    ensure!(row["status"] == "completed", "{row}");
    let median = |key: &str| {
        let paces = row["result"][key].as_array().into_iter().flatten();
        let mut paces: Vec<f64> = paces.filter_map(serde_json::Value::as_f64).collect();
        paces.sort_by(f64::total_cmp);
        paces.get(paces.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let (late, fresh) = (median("late"), median("fresh"));
    Ok(format!(
        "calls/s of a run after {MANY} calls, beside a fresh run (medians of {ROUNDS} turns of 200) \
         | {late:.0} / {fresh:.0} = {:.2}",
        late / fresh
    ))
}

/// Requests a second of one client that waits for each answer: the floor under every hop.
async fn hops(stack: &Stack, n: u32) -> anyhow::Result<f64> {
    let client = reqwest::Client::new();
    let url = format!("{}/wrappedgapi", stack.url);
    let body = json!({ "chain": [{ "property": "echo", "args": [1] }] });
    let began = Instant::now();
    for _ in 0..n {
        client.post(&url).json(&body).send().await?.error_for_status()?.bytes().await?;
    }
    Ok(f64::from(n) / began.elapsed().as_secs_f64())
}

/// One-row commits a second of one client.
fn pgbench(server: &Server, database: &Database) -> anyhow::Result<f64> {
    let cluster = server.cluster().context("the bench needs a cluster of its own")?;
    let script = std::env::temp_dir().join(format!("tasker-pgbench-{}.sql", std::process::id()));
    std::fs::write(&script, "insert into pgbench_commits (n) values (1);\n")?;
    let run = |program: &str, args: &[&str]| -> anyhow::Result<String> {
        let done = cluster.command(program).args(args).output()?;
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        ensure!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(text)
    };
    let create = "create table if not exists pgbench_commits (n int)";
    run("psql", &["-qd", database.url(), "-c", create])?;
    let path = script.display().to_string();
    let text = run("pgbench", &["-n", "-c", "1", "-T", "4", "-f", &path, database.url()])?;
    let _ = std::fs::remove_file(&script);
    let tps = text.lines().find_map(|l| l.strip_prefix("tps = "));
    let number = tps.and_then(|t| t.split(' ').next()?.parse().ok());
    number.with_context(|| format!("no tps in: {text}"))
}

async fn commits(database: &Database) -> anyhow::Result<i64> {
    let (client, connection) =
        tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    // Backends report their counts with a delay; idle ones have reported after a second.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let sql = "select xact_commit from pg_stat_database where datname = current_database()";
    let row = client.query_one(sql, &[]).await?;
    drop(client);
    connection.await??;
    Ok(row.try_get(0)?)
}
