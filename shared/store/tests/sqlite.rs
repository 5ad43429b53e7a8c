//! What only SQLite must do.

use crate::support;

use std::{
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use tasker_store::{RunFilter, StoreError, connect};
use tasker_tables::QueryError;

/// A folder of the test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("tasker-sqlite-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.0.join("deep/er/x.db").display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_file_is_opened_once() {
    let folder = Folder::new("once");
    let store = connect(&folder.url()).await.unwrap();
    store.publish("t", "1", None).await.unwrap();
    let Err(StoreError::Unavailable(why)) = connect(&folder.url()).await else {
        panic!("opened twice")
    };
    assert!(why.contains("open in another process") && why.contains("use Postgres"), "{why}");
    drop(store);
    let store = connect(&folder.url()).await.unwrap();
    assert_eq!(store.functions().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_dropped_verb_is_rolled_back() {
    let store = connect("sqlite::memory:").await.unwrap();
    let mut chain = support::chain(store.as_ref()).await;
    for micros in (0..2000).step_by(40) {
        let step = support::next_step(&chain);
        let limit = std::time::Duration::from_micros(micros);
        chain = match tokio::time::timeout(limit, store.advance(&step)).await {
            Ok(done) => support::after(&chain, done.unwrap()),
            Err(_) => support::look(store.as_ref(), &chain).await,
        };
    }
    support::steps(store.as_ref(), chain, 3).await;
    assert_eq!(store.check_invariants().await.unwrap(), Vec::<String>::new());
}

const FILE: &str = "TASKER_TEST_SQLITE_WRITER";

/// Not a test of its own: what the next test kills.
#[tokio::test]
async fn writer_to_be_killed() {
    let Ok(url) = env::var(FILE) else { return };
    let store = connect(&url).await.unwrap();
    for n in 1.. {
        support::warm_steps(store.as_ref(), 2).await;
        println!("\ncommitted {n}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = Folder::new("kill");
    let mut known = 0;
    for round in 0..5 {
        let mut writer = Command::new(env::current_exe().unwrap())
            .args(["--exact", "writer_to_be_killed", "--nocapture"])
            .env(FILE, folder.url())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
        known += lines.filter(|l| l.starts_with("committed")).take(10 + round).count();
        writer.kill().unwrap();
        writer.wait().unwrap();

        let store = connect(&folder.url()).await.unwrap();
        let runs = store.runs(&RunFilter { limit: 10_000, ..Default::default() }).await.unwrap();
        assert!(runs.len() >= known, "{} of {known}", runs.len());
        known = runs.len();
        assert_eq!(store.check_invariants().await.unwrap(), Vec::<String>::new());
        drop(store);
        let file = folder.url().replace("sqlite:", "");
        let check: String = rusqlite::Connection::open(file)
            .unwrap()
            .query_row("pragma integrity_check", [], |r| r.get(0))
            .unwrap();
        assert_eq!(check, "ok");
    }
}

/// One writer: a statement of task code without end would stop everybody else.
#[tokio::test]
async fn a_statement_without_end_is_cut() {
    let store = connect("sqlite::memory:").await.unwrap();
    let endless = "create view endless as with recursive c(n) as \
        (select 1 union all select n + 1 from c) select count(*) as n from c";
    store.script(endless).await.unwrap();
    let Err(QueryError::Sql(cut)) = store.rest(&support::read_all("endless"), None).await else {
        panic!("it ended")
    };
    assert_eq!(cut.code, "57014", "{}", cut.message);
    store.publish("t", "1", None).await.unwrap();
    assert_eq!(store.functions().await.unwrap().len(), 1, "others go on");
}
