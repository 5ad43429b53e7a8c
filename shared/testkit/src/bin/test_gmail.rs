//! `make test-gmail`: the main job from nothing. Starts an emulated Google Workspace (or uses the
//! real Google), starts tasker, publishes, searches every mailbox, checks the result against the
//! emulator's ground truth, and stops what it started.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context as _, ensure};
use clap::{Parser, ValueEnum};
use tasker_testkit::{
    peaks::Peaks,
    pg,
    process::{Process, bin_dir},
    stack::{Shape, Stack},
};
use tokio::process::Command;

/// Searches every mailbox of a Google Workspace and checks what was found.
#[derive(Parser)]
struct Args {
    /// One process on SQLite, or six processes on a throw-away Postgres.
    #[arg(long, env = "STORE", default_value = "sqlite")]
    store: Store,
    /// Gmail search query; empty for all messages.
    #[arg(long, env = "QUERY", default_value = "")]
    query: String,
    /// Users per domain.
    #[arg(long, env = "MAX_USERS", default_value_t = 98)]
    max_users: u32,
    /// Messages per user.
    #[arg(long, env = "MAX_RESULTS", default_value_t = 10)]
    max_results: u32,
    /// Seed of the emulated world.
    #[arg(long, env = "SEED", default_value_t = 42)]
    seed: u64,
    /// A service account's key file: search the real Google instead.
    #[arg(long, env = "GAPI_KEY_FILE")]
    gapi_key_file: Option<PathBuf>,
    /// The administrator whom the service account stands for.
    #[arg(long, env = "GAPI_ADMIN_EMAIL")]
    gapi_admin_email: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Store {
    Sqlite,
    Postgres,
}

/// Where Google is and who asks.
struct Google {
    _emulator: Option<Process>,
    env: Vec<(String, String)>,
    key_file: PathBuf,
    admin: String,
    truth: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let dir = std::env::temp_dir().join(format!("tasker-gmail-{}", std::process::id()));
    let done = search(&Args::parse(), &dir).await;
    let kept = done.is_err();
    if !kept {
        let _ = std::fs::remove_dir_all(&dir);
    }
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("test-gmail failed: {error:#}\nlogs are in {}", dir.display());
            ExitCode::FAILURE
        }
    }
}

async fn search(args: &Args, dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir)?;
    let google = google(args, dir)?;
    let server = match args.store {
        Store::Sqlite => None,
        Store::Postgres => {
            let options =
                pg::Options { durability: pg::Durability::Full, ..pg::Options::default() };
            Some(pg::Server::of(pg::Cluster::with(options)?))
        }
    };
    let database = match &server {
        Some(server) => Some(server.database().await?),
        None => None,
    };
    let shape = database.as_ref().map_or(Shape::One, |d| Shape::Six(d.url().to_owned()));
    let mut stack = Stack::start(shape, dir, &google.env).await?;
    tasker(&stack, &["keystore", "set", "GAPI_KEY", &format!("@{}", google.key_file.display())])
        .await?;
    tasker(&stack, &["keystore", "set", "GAPI_ADMIN_EMAIL", &google.admin]).await?;
    tasker(&stack, &["publish", "taskcode/endpoints/comprehensive-gmail-search.js"]).await?;
    let peaks = Peaks::of(stack.processes.iter());
    let began = Instant::now();
    let before = commits(database.as_ref().map(pg::Database::url)).await?;
    let (users, results) = (args.max_users.to_string(), args.max_results.to_string());
    let mut search = vec![
        "gmail-search",
        "--query",
        &args.query,
        "--max-users-per-domain",
        &users,
        "--max-results-per-user",
        &results,
        "--stats",
    ];
    if let Some(truth) = &google.truth {
        search.extend(["--check-truth", truth]);
    }
    let found = tasker(&stack, &search).await;
    if found.is_err() {
        eprintln!("{}", stack.logs());
    }
    found?;
    let wall = began.elapsed();
    eprintln!("wall time {:.1} s", wall.as_secs_f64());
    if let Some(commits) =
        commits(database.as_ref().map(pg::Database::url)).await?.zip(before).map(|(a, b)| a - b)
    {
        eprintln!("Postgres commits during the search: {commits}");
    }
    for (name, peak) in peaks.read() {
        eprintln!("peak memory {name}: {} MiB", peak >> 20);
    }
    for process in &mut stack.processes {
        let (code, took) = process.terminate()?;
        ensure!(code == Some(0), "{} ended with {code:?} after SIGTERM", process.name);
        ensure!(took.as_secs() < 25, "{} took {took:?} to stop", process.name);
    }
    Ok(())
}

fn google(args: &Args, dir: &Path) -> anyhow::Result<Google> {
    if let Some(key_file) = &args.gapi_key_file {
        let admin = args.gapi_admin_email.clone();
        let admin = admin.context("GAPI_KEY_FILE needs GAPI_ADMIN_EMAIL beside it")?;
        let key_file = key_file.clone();
        return Ok(Google { _emulator: None, env: vec![], key_file, admin, truth: None });
    }
    let key_file = dir.join("key.json");
    let options = [
        "--port",
        "0",
        "--seed",
        &args.seed.to_string(),
        "--write-key",
        &key_file.display().to_string(),
    ];
    let mut emulator = Process::spawn("workspace-emulator", &options.map(str::to_owned), &[], dir)?;
    let ready = emulator.first_line()?;
    eprintln!("{ready}");
    let word = |name: &str| {
        let found = ready.split_whitespace().find_map(|w| w.strip_prefix(name));
        found.map(str::to_owned).with_context(|| format!("no {name} in: {ready}"))
    };
    let (url, admin) = (word("url=")?, word("admin=")?);
    let truth = dir.join("truth.json");
    let made = std::process::Command::new(bin_dir()?.join("workspace-emulator"))
        .args(["truth", "--seed", &args.seed.to_string(), "--query", &args.query])
        .args(["--max-users", &args.max_users.to_string()])
        .args(["--max-results", &args.max_results.to_string()])
        .output()?;
    ensure!(made.status.success(), "no truth: {}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(&truth, made.stdout)?;
    let env = vec![("GAPI_ROOT_URL".to_owned(), url)];
    Ok(Google {
        _emulator: Some(emulator),
        env,
        key_file,
        admin,
        truth: Some(truth.display().to_string()),
    })
}

async fn tasker(stack: &Stack, args: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(bin_dir()?.join("tasker"))
        .args(args)
        .env("TASKER_FUNCTIONS_URL", &stack.url)
        .status()
        .await?;
    ensure!(status.success(), "`tasker {}` ended with {status}", args[0]);
    Ok(())
}

/// Transactions committed in this database so far.
async fn commits(url: Option<&str>) -> anyhow::Result<Option<i64>> {
    let Some(url) = url else { return Ok(None) };
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let sql = "select xact_commit from pg_stat_database where datname = current_database()";
    let row = client.query_one(sql, &[]).await?;
    drop(client);
    connection.await??;
    Ok(Some(row.try_get(0)?))
}
