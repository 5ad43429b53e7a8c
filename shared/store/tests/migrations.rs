//! The schema on databases that were something else before, and what only some databases have.

use crate::support::keys;

use std::sync::Arc;

use keys::{At, key, settings};
use tasker_core::TaskRunId;
use tasker_store::{NewRun, Retry, Rotate, RunFilter, StorageAdapter};
use tasker_testkit::pg::Server;

const ORIGINAL: &str = include_str!("data/original.sql");

/// A database without a schema.
async fn empty() -> At {
    let server = Arc::new(Server::obtain().unwrap());
    let database = server.empty_database().await.unwrap();
    At::new(Some((server, database)))
}

#[tokio::test]
async fn the_originals_rows_are_kept() {
    let at = empty().await;
    at.sql(ORIGINAL).await;
    let store = at.open(&settings(&[&key()])).await;
    store.migrate().await.unwrap();
    assert_eq!(store.check_invariants().await.unwrap(), Vec::<String>::new());
    rows_are_there(&at, &*store).await;
    runs_go_on(&*store).await;
    secrets_are_sealed(&at, &*store).await;
}

async fn rows_are_there(at: &At, store: &dyn StorageAdapter) {
    let runs = store.runs(&RunFilter { limit: 99, ..RunFilter::default() }).await.unwrap();
    let shown: Vec<_> = runs.iter().map(|r| (r.id.0, r.status.as_str(), r.calls)).collect();
    assert_eq!(
        shown,
        [
            (15, "completed", 0),
            (14, "failed", 0),
            (13, "failed", 0),
            (12, "failed", 2),
            (11, "completed", 2)
        ]
    );
    let done = store.run(TaskRunId(11)).await.unwrap().unwrap();
    assert_eq!(done.result.unwrap().get(), r#"{"found": 2}"#, "without the executor's envelope");
    assert_eq!((done.created_at, done.version), (1_756_893_600_000, Some(1)));
    let open = store.run(TaskRunId(12)).await.unwrap().unwrap();
    assert!(open.error.unwrap().get().contains("submit it again"));
    let calls = store.stack_runs(TaskRunId(11), 0, 10).await.unwrap();
    let calls: Vec<_> =
        calls.iter().map(|c| (c.id.0, c.seq, c.method_name.as_str(), c.status.as_str())).collect();
    assert_eq!(
        calls,
        [
            (101, 0, "execute", "completed"),
            (102, 0, "admin.domains.list", "completed"),
            (103, 1, "gmail.users.messages.list", "failed"),
        ]
    );
    assert_eq!(store.functions().await.unwrap().len(), 2);
    assert_eq!(at.sql("select to_regnamespace('tasker_original')::text is null").await, ["t"]);
}

/// Nothing starts by itself; what is new starts, and has a number of its own.
async fn runs_go_on(store: &dyn StorageAdapter) {
    assert!(store.claim("p").await.unwrap().is_none());
    let new = NewRun {
        name: "simple-test-task".into(),
        input: tasker_core::json::null(),
        code: None,
        parent: None,
    };
    let made = store.submit(&new).await.unwrap();
    assert!(made.task_run_id.0 > 15 && made.root_id.0 > 107, "{made:?}");
    assert!(store.claim("p").await.unwrap().is_some());
    // A person may retry an old one: its call that was under way waits for a word.
    store.retry(TaskRunId(12), Retry::default()).await.unwrap();
    assert_eq!(store.check_invariants().await.unwrap(), Vec::<String>::new());
}

/// Secrets are found, and sealed, also those in old journals.
async fn secrets_are_sealed(at: &At, store: &dyn StorageAdapter) {
    assert!(
        store
            .key_get("default", "GAPI_KEY")
            .await
            .unwrap()
            .unwrap()
            .contains("canary-of-the-original")
    );
    let sealed = store.key_rotate(Rotate::Plain).await.unwrap();
    assert_eq!((sealed.sealed, sealed.journal), (2, 1), "{sealed:?}");
    let all = "select string_agg(key_value, '') || (select string_agg(coalesce(result::text, ''), '') from stack_runs) from keystore";
    let left = at.sql(all).await.remove(0);
    assert!(!left.contains("canary") && left.contains("tasker:v1:"), "{left}");
    assert!(
        store
            .key_get("default", "GAPI_KEY")
            .await
            .unwrap()
            .unwrap()
            .contains("canary-of-the-original")
    );
}

#[tokio::test]
async fn what_depends_on_the_originals_tables_keeps_them_without_secrets() {
    let at = empty().await;
    at.sql(ORIGINAL).await;
    at.sql("create view my_report as select count(*) from task_runs").await;
    at.open(&settings(&[&key()])).await.migrate().await.unwrap();
    assert_eq!(at.sql("select * from my_report").await, ["5"]);
    assert_eq!(at.sql("select count(*) from tasker_original.keystore").await, ["0"]);
    assert_eq!(at.sql("select count(*) from keystore").await, ["2"]);
}

#[tokio::test]
async fn upgraded_and_fresh_are_the_same_schema() {
    let columns = "select string_agg(t, E'\\n' order by t) from ( \
        select format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) t \
          from information_schema.columns where table_schema = 'public' \
        union all select indexdef from pg_indexes where schemaname = 'public' \
        union all select format('%s %s %s', tablename, policyname, qual) from pg_policies \
        union all select format('%s %s %s', table_name, grantee, privilege_type) \
          from information_schema.role_table_grants where table_schema = 'public') x";
    let (fresh, upgraded) = (empty().await, empty().await);
    upgraded.sql(ORIGINAL).await;
    for at in [&fresh, &upgraded] {
        at.open(&settings(&[&key()])).await.migrate().await.unwrap();
    }
    let (fresh, upgraded) = (fresh.sql(columns).await, upgraded.sql(columns).await);
    assert!(fresh[0].contains("keystore.version"), "{fresh:?}");
    assert_eq!(fresh, upgraded);
}

#[tokio::test]
async fn pg_cron_is_told_where_it_is() {
    // Without it nothing is scheduled.
    let at = empty().await;
    at.open(&settings(&[&key()])).await.migrate().await.unwrap();
    assert_eq!(at.sql("select to_regclass('cron.told') is null").await, ["t"]);

    let at = empty().await;
    at.sql(include_str!("data/cron.sql")).await;
    at.sql(include_str!("data/vault.sql")).await;
    let store = at.open(&settings(&[&key()])).await;
    store.migrate().await.unwrap();
    assert_eq!(
        at.sql("select name || '|' || schedule || '|' || command from cron.told").await,
        ["tasker-kick|* * * * *|select public.tasker_kick()"]
    );
    let kick = at.sql("select command from cron.told").await.remove(0);
    at.sql(&kick).await;
    assert_eq!(at.sql("select count(*) from net.told").await, ["0"], "nothing waits");
    store.publish("t", "1", None).await.unwrap();
    let new =
        NewRun { name: "t".into(), input: tasker_core::json::null(), code: None, parent: None };
    store.submit(&new).await.unwrap();
    at.sql(
        "select vault.create_secret('http://x/functions/v1/', 'tasker_functions_url'), \
         vault.create_secret('k', 'tasker_service_key')",
    )
    .await;
    at.sql(&kick).await;
    assert_eq!(
        at.sql(
            "select url || ' ' || body::text || ' ' || (headers->>'authorization') from net.told"
        )
        .await,
        [r#"http://x/functions/v1/simple-stack-processor {"trigger": "process-next"} Bearer k"#]
    );
}

#[tokio::test]
async fn each_role_has_what_is_said_and_no_more() {
    let at = empty().await;
    at.open(&settings(&[&key()])).await.migrate().await.unwrap();
    let can = |role: &str, table: &str, what: &str| {
        format!("select has_table_privilege('{role}', '{table}', '{what}')")
    };
    for (role, table, what, expected) in [
        ("service_role", "task_runs", "select,insert,update,delete", "t"),
        ("service_role", "task_functions", "insert", "t"),
        ("service_role", "keystore", "select", "f"),
        ("service_role", "keystore", "insert", "f"),
        ("anon", "task_runs", "select", "f"),
        ("anon", "task_functions", "select", "f"),
        ("anon", "keystore", "select", "f"),
        ("authenticated", "task_functions", "select", "f"),
        ("authenticated", "task_runs", "insert", "f"),
        ("authenticated", "keystore", "select", "f"),
    ] {
        assert_eq!(at.sql(&can(role, table, what)).await, [expected], "{role} {table} {what}");
    }
    let open = "select count(*) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace \
                and not relrowsecurity";
    assert_eq!(at.sql(open).await, ["0"]);
    // Not by the way of bypassing: a plain Postgres's service_role may not, and sees all rows.
    at.sql("insert into task_functions (name, code) values ('t', '1')").await;
    let seen =
        at.sql("set role service_role; select count(*) from task_functions; reset role").await;
    assert_eq!(seen, ["1"]);
}
