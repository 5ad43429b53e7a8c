//! Supabase's own CLI on our migrations, where Node is present: it applies them, finds nothing to
//! complain of, and agrees with `tasker migrate` about what is applied.

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
        let (well, said) = self.tried(at, args);
        assert!(well, "{args:?}: {said}");
        said
    }

    /// Whether it ended well, and what it said.
    fn tried(&self, at: &At, args: &[&str]) -> (bool, String) {
        let name = at.url().rsplit('/').next().unwrap().to_owned();
        let url = format!("postgresql://postgres@127.0.0.1:{}/{name}", self.port);
        let mut command = Command::new(&self.binary);
        command.args(args).args(["--db-url", &url]).current_dir(&self.project);
        command.env("DO_NOT_TRACK", "1").env("SUPABASE_TELEMETRY_DISABLED", "1");
        let done = command.output().unwrap();
        let said = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8_lossy(&said).into_owned())
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

/// A server that the CLI reaches, and a project of its own name to run it in.
struct World {
    server: Arc<Server>,
    cli: Cli,
}

impl World {
    fn new(binary: PathBuf, name: &str) -> Self {
        let port = free_port().unwrap();
        let cluster = Cluster::with(Options { port: Some(port), ..Options::default() }).unwrap();
        let folder = format!("tasker-cli-{name}-{}", std::process::id());
        let project = std::env::temp_dir().join(folder);
        let _ = std::fs::remove_dir_all(&project);
        copy(&ours(), &project.join("supabase"));
        Self { server: Arc::new(Server::of(cluster)), cli: Cli { binary, project, port } }
    }

    async fn empty(&self) -> At {
        At::new(Some((self.server.clone(), self.server.empty_database().await.unwrap())))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.cli.project);
    }
}

fn ours() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../supabase")
}

const APPLIED: &str = "select count(*) from supabase_migrations.schema_migrations";

#[tokio::test]
async fn the_cli_and_tasker_agree() {
    let Some(binary) = cli() else { return };
    let world = World::new(binary, "agree");
    let cli = &world.cli;
    let port = cli.port;
    let files = std::fs::read_dir(ours().join("migrations")).unwrap().count();

    // Theirs first: ours finds nothing to do.
    let at = world.empty().await;
    let said = cli.push(&at);
    assert!(said.contains("Applying migration 20261122000000_tasker.sql"), "{said}");
    at.open(&settings(&[&key()])).await.migrate().await.unwrap();
    assert_eq!(at.sql(APPLIED).await, [files.to_string()]);
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
    let at = world.empty().await;
    at.open(&settings(&[&key()])).await.migrate().await.unwrap();
    let said = cli.push(&at);
    assert!(said.contains("up to date") && !said.contains("Applying"), "{said}");
    assert_eq!(at.sql(APPLIED).await, [files.to_string()]);

    // On the original's tables, with rows.
    let at = world.empty().await;
    at.sql(include_str!("data/original.sql")).await;
    cli.push(&at);
    cli.advisors(&at);
    assert_eq!(at.sql("select count(*) from task_runs").await, ["5"]);
    let store = at.open(&settings(&[&key()])).await;
    assert_eq!(store.check_invariants().await.unwrap(), Vec::<String>::new());
}

/// What is applied, and what is not: `migration list` has a column for either side.
fn pending(list: &str) -> usize {
    let lines = list.lines().filter(|l| l.contains("2026") && l.contains(['|', '\u{2502}']));
    lines.filter(|l| l.matches("20261").count() < 2).count()
}

/// The history was lost (tables made in an editor, or brought by a dump): either tool refuses,
/// changes nothing, and both agree again after `migration repair`.
#[tokio::test]
async fn a_lost_history_is_repaired() {
    let Some(binary) = cli() else { return };
    let world = World::new(binary, "repair");
    let cli = &world.cli;
    let versions: Vec<String> =
        tasker_store::migrations().map(|(name, _)| name[..14].to_owned()).collect();
    for ours_first in [true, false] {
        let at = world.empty().await;
        let store = at.open(&settings(&[&key()])).await;
        if ours_first {
            store.migrate().await.unwrap();
        } else {
            cli.push(&at);
        }
        store.key_set("n", "kept", "value").await.unwrap();
        at.sql("drop schema supabase_migrations cascade").await;
        let why = store.migrate().await.unwrap_err().to_string();
        let fix = format!("supabase migration repair --status applied {}", versions.join(" "));
        assert!(why.contains("already exists") && why.contains(&fix), "{why}");
        let (well, said) = cli.tried(&at, &["db", "push", "--yes"]);
        assert!(!well && said.contains("already exists"), "{said}");

        let mut repair = vec!["migration", "repair", "--yes", "--status", "applied"];
        repair.extend(versions.iter().map(String::as_str));
        cli.run(&at, &repair);
        store.migrate().await.unwrap();
        let said = cli.push(&at);
        assert!(said.contains("up to date") && !said.contains("Applying"), "{said}");
        let list = cli.run(&at, &["migration", "list"]);
        assert_eq!(pending(&list), 0, "{list}");
        assert_eq!(at.sql(APPLIED).await, [versions.len().to_string()]);

        // One of them taken back by mistake: ours says how to put that right.
        let last = versions.last().unwrap();
        cli.run(&at, &["migration", "repair", "--yes", "--status", "reverted", last]);
        assert_eq!(pending(&cli.run(&at, &["migration", "list"])), 1, "the control");
        let why = store.migrate().await.unwrap_err().to_string();
        assert!(why.contains(&format!("--status applied {last}")), "{why}");
        cli.run(&at, &["migration", "repair", "--yes", "--status", "applied", last]);
        store.migrate().await.unwrap();
        assert_eq!(store.key_get("n", "kept").await.unwrap().unwrap(), "value");
        assert_eq!(store.check_invariants().await.unwrap(), Vec::<String>::new());
    }
}

/// A project with migrations of its own, in a database where `tasker migrate` came first.
#[tokio::test]
async fn a_project_of_ones_own_keeps_pushing() {
    let Some(binary) = cli() else { return };
    let world = World::new(binary, "own");
    let cli = &world.cli;
    let folder = cli.project.join("supabase/migrations");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    let mine =
        "create table mine (id int primary key); alter table mine enable row level security;";
    std::fs::write(folder.join("20270101000000_mine.sql"), mine).unwrap();
    let at = world.empty().await;
    at.open(&settings(&[&key()])).await.migrate().await.unwrap();

    // The CLI wants to see every migration that the database lists.
    let (well, said) = cli.tried(&at, &["db", "push", "--yes"]);
    assert!(!well && said.contains("not found in local migrations directory"), "{said}");
    for (name, text) in tasker_store::migrations() {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let said = cli.push(&at);
    assert!(said.contains("Applying migration 20270101000000_mine.sql"), "{said}");
    assert_eq!(said.matches("Applying").count(), 1, "{said}");
    at.open(&settings(&[&key()])).await.migrate().await.unwrap();
    cli.advisors(&at);
}
