//! Supabase's own clients drive tasker unchanged: supabase-js under Node and Deno, functions-js,
//! Python's supabase_functions. One table of checks, all of them green.

use crate::supabase;

use std::{fs, io::Write as _, path::Path, process::Command};

use serde_json::{Value, json};
use supabase::{Keys, client, table};
use tasker_testkit::{
    process::{Process, free_port},
    stack::{Shape, Stack},
};

/// Says what it is given.
const ECHO: &str = "module.exports = async ({ text }) => ({ said: text });";

/// tasker with keys, a gateway in front of nothing, and what clients are told.
struct World {
    _stack: Stack,
    _broken: Process,
    given: Value,
}

async fn world() -> anyhow::Result<World> {
    let dir = supabase::folder("world");
    let keys = Keys::new();
    let stack = Stack::start(Shape::One, &dir, &keys.env()).await?;
    let published = reqwest::Client::new()
        .post(format!("{}/tasks/publish", stack.url))
        .header("apikey", keys.secret())
        .json(&json!({ "name": "echo", "code": ECHO }))
        .send()
        .await?;
    anyhow::ensure!(published.status() == 200, "publish: {}", published.text().await?);
    let (port, dead) = (free_port()?, free_port()?);
    let args = ["gateway", "--port", &port.to_string()].map(str::to_owned);
    let nothing = format!("tasks=http://127.0.0.1:{dead}/functions/v1/tasks");
    let env = [("TASKER_SERVICE_URLS".to_owned(), nothing)];
    let mut broken = Process::spawn("tasker-dev", &args, &env, &dir)?;
    broken.ready(&format!("http://127.0.0.1:{port}/_internal/health")).await?;
    let given = json!({
        "url": stack.url.trim_end_matches("/functions/v1"),
        "broken": format!("http://127.0.0.1:{port}"),
        "dead": format!("http://127.0.0.1:{dead}"),
        "keys": keys.all(),
    });
    Ok(World { _stack: stack, _broken: broken, given })
}

#[tokio::test(flavor = "multi_thread")]
async fn supabases_clients_work_unchanged() {
    let node = supabase::node_modules();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/supabase/python");
    let python = supabase::venv("python", &tests.join("requirements.txt"));
    let world = world().await.unwrap();
    let mut runs = Vec::new();
    if let Some(folder) = &node {
        let mut command = Command::new("node");
        command.args(["checks.mjs", "@supabase/supabase-js"]).current_dir(folder);
        runs.push(("supabase-js 2.109.0, Node", command));
        let mut command = Command::new(folder.join("node_modules/deno/bin.cjs"));
        command.args(["run", "--quiet", "--no-lock", "--node-modules-dir=manual"]);
        command.args(["--allow-net", "--allow-env", "--allow-read", "checks.mjs"]);
        command.arg("supabase-js-current").current_dir(folder);
        runs.push(("supabase-js 2.119.1, Deno", command));
    }
    let mut command = Command::new(python.join("bin/python"));
    command.arg(tests.join("checks.py"));
    runs.push(("supabase_functions 2.34.1, Python", command));
    // They share tasker, so they may run at once.
    let given = world.given.to_string();
    let threads: Vec<_> = runs
        .into_iter()
        .map(|(name, command)| {
            let given = given.clone();
            std::thread::spawn(move || client(name, command, &given))
        })
        .collect();
    let done: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    let (text, failed) = table(&done);
    // Past the test harness's capture: this table is what people look for.
    std::io::stderr().write_all(text.as_bytes()).unwrap();
    fs::write(supabase::folder("table").with_extension("txt"), &text).unwrap();
    assert_eq!(failed, 0, "some checks failed");
    assert!(done.iter().all(|d| d.checks.len() >= 14), "some checks were not made");
}
