//! What only Postgres must do.
//!
//! Each test has a server of its own (about a second). With TASKER_TEST_DATABASE_URL a running
//! server is used.

use crate::support;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use support::{proxy::CountingProxy, warm_steps};
use tasker_core::HostCall;
use tasker_store::{
    Advance, Ask, KeySettings, MasterKey, NewRun, StorageAdapter, StoreError, connect, connect_with,
};
use tasker_testkit::pg::{Cluster, Database, Server};
use tokio_postgres::NoTls;

pub async fn fresh(server: &Server) -> (Database, Arc<dyn StorageAdapter>) {
    let database = server.database().await.unwrap();
    let keys = Some(MasterKey::generate().unwrap().expose());
    let settings = KeySettings { keys, ..KeySettings::default() };
    let store = connect_with(database.url(), &settings).await.unwrap();
    (database, store)
}

/// A connection of its own, beside the store's.
pub async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn a_warm_step_is_one_commit_and_two_round_trips() {
    // A server of its own: others would be counted too.
    let server = Server::of(Cluster::start().unwrap());
    let (database, _) = fresh(&server).await;
    let proxy = CountingProxy::start(server.cluster().unwrap().socket()).await;
    let name = database.url().rsplit('/').next().unwrap();
    let store = connect(&proxy.url(name)).await.unwrap();
    let observer = client(database.url()).await;
    let commits = async || -> i64 {
        let xid = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
        observer.query_one(xid, &[]).await.unwrap().get(0)
    };
    // Once to prepare the statements.
    warm_steps(store.as_ref(), 3).await;
    let chain = support::chain(store.as_ref()).await;
    let (trips, before) = (proxy.round_trips(), commits().await);
    support::steps(store.as_ref(), chain, 50).await;
    let (trips, commits) = (proxy.round_trips() - trips, commits().await - before);
    assert!((50..=52).contains(&commits), "{commits} commits for 50 steps");
    assert!((100..=102).contains(&trips), "{trips} round trips for 50 steps");
}

#[tokio::test]
async fn a_full_pool_says_so_soon() {
    let server = Server::obtain().unwrap();
    let (database, store) = fresh(&server).await;
    let blocker = client(database.url()).await;
    blocker
        .batch_execute("begin; lock table task_functions in access exclusive mode")
        .await
        .unwrap();
    let started = Instant::now();
    let waiting = futures::future::join_all((0..14).map(|_| store.functions())).await;
    let waited = started.elapsed();
    assert!(waiting.iter().all(|r| matches!(r, Err(StoreError::Unavailable(_)))), "{waiting:?}");
    let full = waiting.iter().filter(|r| format!("{r:?}").contains("in use")).count();
    assert_eq!(full, 4, "{waiting:?}");
    assert!(waited < Duration::from_millis(3_500), "{waited:?}");
    blocker.batch_execute("rollback").await.unwrap();
    let all = futures::future::join_all((0..14).map(|_| store.functions())).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
}

#[tokio::test]
async fn a_dropped_verb_leaves_no_transaction_open() {
    let server = Server::obtain().unwrap();
    let (database, store) = fresh(&server).await;
    let chain = support::chain(store.as_ref()).await;
    // Dropped after more and more of it was done, and once while it waits for a lock.
    let mut done = chain;
    for micros in (0..3000).step_by(150) {
        let step = support::next_step(&done);
        let limit = Duration::from_micros(micros);
        let outcome = tokio::time::timeout(limit, store.advance(&step)).await;
        done = match outcome {
            Ok(advanced) => support::after(&done, advanced.unwrap()),
            Err(_) => support::look(store.as_ref(), &done).await,
        };
    }
    let blocker = client(database.url()).await;
    blocker.batch_execute("begin; select 1 from stack_runs for update").await.unwrap();
    let step = support::next_step(&done);
    for _ in 0..12 {
        let limit = Duration::from_millis(20);
        assert!(tokio::time::timeout(limit, store.advance(&step)).await.is_err());
    }
    blocker.batch_execute("rollback").await.unwrap();
    let open = "select count(*) from pg_stat_activity where datname = current_database() \
                and application_name = 'tasker' and state <> 'idle'";
    let deadline = Instant::now() + Duration::from_secs(5);
    while blocker.query_one(open, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        assert!(Instant::now() < deadline, "a transaction stays open");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let done = support::look(store.as_ref(), &done).await;
    support::steps(store.as_ref(), done, 3).await;
    assert_eq!(store.check_invariants().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_restarted_server_is_found_again() {
    let server = Server::of(Cluster::start().unwrap());
    let (_database, store) = fresh(&server).await;
    let chain = support::chain(store.as_ref()).await;
    let chain = support::steps(store.as_ref(), chain, 3).await;
    server.cluster().unwrap().crash();
    let error = store.functions().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    let error = store.functions().await.unwrap_err();
    assert!(error.to_string().contains("connect"), "{error}");
    server.cluster().unwrap().boot().unwrap();
    let found = store.functions().await;
    assert!(found.is_ok(), "{found:?}");
    // What was acknowledged is there; the run goes on.
    support::steps(store.as_ref(), chain, 3).await;
    assert_eq!(store.check_invariants().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn migrations_are_applied_once() {
    let server = Server::obtain().unwrap();
    let database = server.empty_database().await.unwrap();
    let stores = [connect(database.url()).await.unwrap(), connect(database.url()).await.unwrap()];
    let unready = stores[0].functions().await.unwrap_err();
    assert!(unready.to_string().contains("task_functions"), "{unready}");
    let both = futures::future::join_all(stores.iter().map(|s| s.migrate())).await;
    assert!(both.iter().all(Result::is_ok), "{both:?}");
    stores[1].migrate().await.unwrap();
    let known = "select count(*) from supabase_migrations.schema_migrations";
    let client = client(database.url()).await;
    assert_eq!(client.query_one(known, &[]).await.unwrap().get::<_, i64>(0), files().len() as i64);
}

/// The migration files, by version.
fn files() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../supabase/migrations");
    let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name());
    let mut names: Vec<String> = names.map(|n| n.into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_public_cannot_read_the_tables() {
    let server = Server::obtain().unwrap();
    let (database, store) = fresh(&server).await;
    store.key_set("n", "k", "secret").await.unwrap();
    store.publish("t", "1", None).await.unwrap();
    let client = client(database.url()).await;
    // Even with every grant there is, row level security shows nothing.
    let role = format!("visitor_{}", std::process::id());
    let setup = format!(
        "create role {role}; grant all on all tables in schema public to {role}; set role {role}"
    );
    client.batch_execute(&setup).await.unwrap();
    for table in ["keystore", "task_functions", "task_function_versions"] {
        let rows = client.query(&format!("select * from {table}"), &[]).await.unwrap();
        assert!(rows.is_empty(), "{table}");
    }
    client.batch_execute("reset role").await.unwrap();
    let gone = format!("drop owned by {role}; drop role {role}");
    client.batch_execute(&gone).await.unwrap();
}

#[tokio::test]
async fn a_value_that_postgres_refuses_is_the_callers_fault() {
    let server = Server::obtain().unwrap();
    let (_database, store) = fresh(&server).await;
    store.publish("t", "1", None).await.unwrap();
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    for (name, input) in [("t\0", "1"), ("t", deep.as_str())] {
        let input = tasker_core::json::parse(input.to_owned()).unwrap();
        let run = NewRun { name: name.into(), input, code: None, parent: None };
        let error = store.submit(&run).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
    }
    let error = connect("postgresql://nobody@127.0.0.1:1/x").await.unwrap().functions().await;
    assert!(
        matches!(&error, Err(StoreError::Unavailable(m)) if m.contains("refused")),
        "{error:?}"
    );
}

/// Many ended, paused and waiting runs must not make the next claim slower.
#[tokio::test]
async fn no_hot_statement_reads_a_whole_table() {
    let server = Server::obtain().unwrap();
    let (database, _store) = fresh(&server).await;
    let client = client(database.url()).await;
    let fill = "\
        insert into task_runs (task_name, status, ended_at) \
          select 't', 'completed', clock_timestamp() from generate_series(1, 5000); \
        insert into stack_runs (parent_task_run_id, kind, seq, service_name, method_name, status, runnable) \
          select id, 'task', -1, 'x', 'y', case when id % 10 = 0 then 'pending' else 'completed' end, \
            id % 20 <> 0 from task_runs; \
        insert into stack_runs (parent_task_run_id, parent_stack_run_id, kind, seq, service_name, \
            method_name, status) \
          select parent_task_run_id, id, 'call', n, 'x', 'y', 'completed' \
            from stack_runs, generate_series(0, 4) n where kind = 'task'; \
        analyze";
    client.batch_execute(fill).await.unwrap();
    let mut wrong = Vec::new();
    for (name, text) in tasker_store::hot() {
        let rows = client.simple_query(&format!("explain {text}")).await.unwrap();
        let line = |m: &tokio_postgres::SimpleQueryMessage| match m {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).unwrap_or("").to_owned(),
            _ => String::new(),
        };
        let plan: Vec<String> = rows.iter().map(line).collect();
        let plan = plan.join("\n");
        if ["stack_runs", "task_runs"].iter().any(|t| plan.contains(&format!("Seq Scan on {t}"))) {
            wrong.push(format!("{name}:\n{plan}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_outcome_that_the_database_refuses_is_a_failure() {
    let server = Server::obtain().unwrap();
    let (_database, store) = fresh(&server).await;
    store.publish("t", "module.exports = () => 1", None).await.unwrap();
    let input = tasker_core::json::null();
    let run = NewRun { name: "t".into(), input, code: None, parent: None };
    let run = store.submit(&run).await.unwrap();
    let root = store.claim("p").await.unwrap().unwrap().row.lease;
    let args = tasker_core::json::of::<[(); 0]>(&[]);
    let ask = Ask::Call(HostCall::new("wrappedgapi", "gmail.users.messages.get", args));
    let first = Advance {
        root_id: run.root_id,
        by: root,
        delivered: None,
        deliveries: 0,
        calls: 0,
        made_at: None,
        asked: vec![ask],
        cleared: Vec::new(),
        end: None,
        keep: Some("p".into()),
        logs: Vec::new(),
        executor: None,
    };
    let call = store.advance(&first).await.unwrap().next.unwrap();
    // Deeper than Postgres reads.
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let deep = tasker_core::json::parse(deep).unwrap();
    assert!(store.record(&call.lease, &Ok(deep), 1).await.unwrap().wake);
    let row = store.stack_run(call.lease.id).await.unwrap().unwrap();
    let error = row.error.unwrap();
    assert!(error.get().contains("StorageError") && row.status.as_str() == "failed", "{error}");
}
