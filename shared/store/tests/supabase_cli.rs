//! Supabase's own CLI on our migrations, where Node is present: it applies them, finds nothing to
//! complain of, and agrees with `tasker migrate` about what is applied.

#[allow(dead_code, reason = "each test file uses some of it")]
use crate::support::keys;

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use keys::{At, key, settings};
use tasker_testkit::{
    pg::{Cluster, Options, Server},
    process::free_port,
};

const PACKAGE: &str = "@supabase/cli-linux-x64";
const VERSION: &str = "3.1.0";

/// The CLI, installed once; `None` where it cannot run.
fn cli() -> Option<PathBuf> {
    let there = |name: &str| Command::new(name).arg("--version").output().is_ok();
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) || !there("npm") {
        eprintln!("no npm for x86-64 Linux here: the Supabase CLI was not tried");
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("supabase-cli-{VERSION}"));
    let binary = folder.join("node_modules").join(PACKAGE).join("bin/supabase");
    if !binary.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let mut npm = Command::new("npm");
        npm.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--no-save",
            &format!("{PACKAGE}@{VERSION}"),
        ]);
        let done = npm.current_dir(&folder).output().unwrap();
        assert!(done.status.success(), "npm: {}", String::from_utf8_lossy(&done.stderr));
    }
    Some(binary)
}

struct Cli {
    binary: PathBuf,
    /// A copy of `supabase/`: the CLI writes beside it.
    project: PathBuf,
    port: u16,
}

impl Cli {
    fn run(&self, at: &At, args: &[&str]) -> String {
        let name = at.url().rsplit('/').next().unwrap().to_owned();
        let url = format!("postgresql://postgres@127.0.0.1:{}/{name}", self.port);
        let mut command = Command::new(&self.binary);
        command.args(args).args(["--db-url", &url]).current_dir(&self.project);
        command.env("DO_NOT_TRACK", "1").env("SUPABASE_TELEMETRY_DISABLED", "1");
        let done = command.output().unwrap();
        let said = [done.stdout, done.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(done.status.success(), "{args:?}: {said}");
        said
    }

    fn push(&self, at: &At) -> String {
        self.run(at, &["db", "push", "--yes"])
    }

    fn advisors(&self, at: &At) {
        let said = self.run(at, &["db", "advisors", "--level", "warn", "--fail-on", "warn"]);
        assert!(said.contains("No issues found"), "{said}");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|e| e.unwrap()) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn the_cli_and_tasker_agree() {
    let Some(binary) = cli() else { return };
    let port = free_port().unwrap();
    let cluster = Cluster::with(Options { port: Some(port), ..Options::default() }).unwrap();
    let server = Arc::new(Server::of(cluster));
    let empty = async || At::new(Some((server.clone(), server.empty_database().await.unwrap())));
    let project = std::env::temp_dir().join(format!("tasker-cli-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&project);
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../supabase");
    copy(&ours, &project.join("supabase"));
    let files = std::fs::read_dir(ours.join("migrations")).unwrap().count();
    let cli = Cli { binary, project, port };
    let applied = "select count(*) from supabase_migrations.schema_migrations";

    // Theirs first: ours finds nothing to do.
    let at = empty().await;
    let said = cli.push(&at);
    assert!(said.contains("Applying migration 20261122000000_tasker.sql"), "{said}");
    at.open(&settings(&[&key()])).await.migrate().await.unwrap();
    assert_eq!(at.sql(applied).await, [files.to_string()]);
    cli.advisors(&at);
    // The control: what the advisors are there for is found.
    at.sql("create table careless (id int); grant all on careless to anon").await;
    let name = at.url().rsplit('/').next().unwrap().to_owned();
    let url = format!("postgresql://postgres@127.0.0.1:{port}/{name}");
    let mut check = Command::new(&cli.binary);
    check
        .args(["db", "advisors", "--fail-on", "error", "--db-url", &url])
        .current_dir(&cli.project);
    let found = check.output().unwrap();
    let found = (found.status.success(), String::from_utf8_lossy(&found.stdout).into_owned());
    assert!(!found.0 && found.1.contains("rls_disabled_in_public"), "{found:?}");

    // Ours first: theirs finds nothing to do.
    let at = empty().await;
    at.open(&settings(&[&key()])).await.migrate().await.unwrap();
    let said = cli.push(&at);
    assert!(said.contains("up to date") && !said.contains("Applying"), "{said}");
    assert_eq!(at.sql(applied).await, [files.to_string()]);

    // On the original's tables, with rows.
    let at = empty().await;
    at.sql(include_str!("data/original.sql")).await;
    cli.push(&at);
    cli.advisors(&at);
    assert_eq!(at.sql("select count(*) from task_runs").await, ["5"]);
    let store = at.open(&settings(&[&key()])).await;
    assert_eq!(store.check_invariants().await.unwrap(), Vec::<String>::new());
    let _ = std::fs::remove_dir_all(&cli.project);
}
