//! Row level security over the engine's tables, as Supabase's REST API would read them: with a
//! role and a token's claims.

use crate::support;

use support::keys::{At, each, key, settings};
use tasker_core::{TaskRunId, json};
use tasker_store::{NewRun, Owner, SubmitOptions};
use tokio_postgres::NoTls;

/// Counts what `role` with these claims sees of a query.
async fn seen(
    client: &tokio_postgres::Client,
    role: &str,
    claims: &str,
    query: &str,
) -> Result<i64, String> {
    client.batch_execute(&format!("begin; set local role {role}")).await.unwrap();
    client.query("select set_config('request.jwt.claims', $1, true)", &[&claims]).await.unwrap();
    let found = client.query_one(query, &[]).await;
    client.batch_execute("rollback").await.unwrap();
    found.map(|row| row.get(0)).map_err(|e| e.as_db_error().unwrap().code().code().to_owned())
}

/// The engine's tables and the column of each that names the run.
const TABLES: [(&str, &str); 3] =
    [("task_runs", "id"), ("stack_runs", "parent_task_run_id"), ("task_logs", "task_run_id")];

fn claims(n: i32) -> String {
    format!(r#"{{"sub":"user-{n}","role":"authenticated"}}"#)
}

#[tokio::test]
async fn users_see_their_own_runs_only() {
    let at = each().await.into_iter().find(At::is_postgres).unwrap();
    let store = at.open(&settings(&[&key()])).await;
    store.publish("t", "1", None).await.unwrap();
    let submit = async |owner: Option<&str>| {
        let owner = owner.map(|id| Owner { id: id.into(), tenant: id.into() });
        let run = NewRun { name: "t".into(), input: json::null(), code: None, parent: None };
        let options = SubmitOptions { owner, ..SubmitOptions::default() };
        store.submit_with(&run, &options).await.unwrap().task_run_id
    };
    let mut theirs = Vec::new();
    for n in 0..10 {
        let user = format!("user-{n}");
        for _ in 0..2 {
            theirs.push((n, submit(Some(&user)).await));
        }
    }
    submit(None).await;
    submit(Some("")).await;
    at.sql("insert into task_logs (task_run_id, level, message, at_ms) select id, 'info', 'x', 0 from task_runs").await;

    let (client, connection) = tokio_postgres::connect(&at.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let crossed = each_reads_each(&client, &theirs).await;
    println!("{crossed} reads across owners, 0 rows");
    assert!(crossed >= 100);
    nobody_sees_more(&client).await;
    nothing_is_written(&client).await;
}

/// Every user asks for every run; answers how often one asked for another's.
async fn each_reads_each(client: &tokio_postgres::Client, theirs: &[(i32, TaskRunId)]) -> u32 {
    let mut crossed = 0;
    for (user, run) in theirs {
        for (table, column) in TABLES {
            let query = format!("select count(*) from {table} where {column} = {run}");
            for reader in 0..10 {
                let rows = seen(client, "authenticated", &claims(reader), &query).await.unwrap();
                if reader == *user {
                    assert_eq!(rows, 1, "the twin: a user's own row of {table}");
                } else {
                    crossed += 1;
                    assert_eq!(rows, 0, "user-{reader} sees a row of {table} of user-{user}");
                }
            }
        }
    }
    crossed
}

async fn nobody_sees_more(client: &tokio_postgres::Client) {
    for (table, _) in TABLES {
        let all = format!("select count(*) from {table}");
        assert_eq!(seen(client, "authenticated", &claims(3), &all).await, Ok(2), "{table}");
        assert_eq!(seen(client, "service_role", "{}", &all).await, Ok(22), "{table}");
        for claims in ["", "{}", r#"{"sub":null}"#, r#"{"sub":"user-99"}"#] {
            assert_eq!(
                seen(client, "authenticated", claims, &all).await,
                Ok(0),
                "{table} {claims}"
            );
        }
        assert_eq!(seen(client, "anon", "", &all).await, Err("42501".into()), "{table}");
    }
}

/// Nothing can be written, one's own rows included.
async fn nothing_is_written(client: &tokio_postgres::Client) {
    for change in [
        "with x as (update task_runs set owner = 'user-3' returning 1) select count(*) from x",
        "with x as (delete from task_runs returning 1) select count(*) from x",
        "with x as (insert into task_runs (task_name, owner) values ('t', 'user-3') returning 1) select count(*) from x",
    ] {
        assert_eq!(
            seen(client, "authenticated", &claims(3), change).await,
            Err("42501".into()),
            "{change}"
        );
    }
}

/// A file of an older tasker keeps its rows when its table is made anew.
#[tokio::test]
async fn an_older_sqlite_file_is_upgraded() {
    let at = each().await.into_iter().find(|at| !at.is_postgres()).unwrap();
    let file = at.folder().join("x.db");
    let old = rusqlite::Connection::open(&file).unwrap();
    let schema = include_str!("../../sql/src/sqlite/schema.sql");
    old.execute_batch(&format!(
        "pragma foreign_keys = on; begin; {schema} pragma user_version = 1; commit;"
    ))
    .unwrap();
    old.execute_batch(
        "insert into task_functions (name, code) values ('t', '1');
         insert into task_runs (id, task_name, status, result, idempotency_key) values (5, 't', 'completed', '7', 'k');
         insert into stack_runs (id, parent_task_run_id, kind, service_name, method_name, status, result)
           values (9, 5, 'task', 'deno-executor', 'execute', 'completed', '7');
         insert into task_logs (task_run_id, level, message, at_ms) values (5, 'info', 'said', 1);
         insert into keystore (namespace, key_name, key_value) values ('n', 'k', 'in clear')",
    )
    .unwrap();
    drop(old);
    let store = at.open(&settings(&[&key()])).await;
    let run = store.run(tasker_core::TaskRunId(5)).await.unwrap().unwrap();
    assert_eq!((run.result.unwrap().get(), run.owner), ("7", None));
    assert_eq!(store.logs(run.id, 9).await.unwrap()[0].message, "said");
    assert_eq!(store.key_get("n", "k").await.unwrap().unwrap(), "in clear");
    let again = NewRun { name: "t".into(), input: json::null(), code: None, parent: None };
    let keyed = SubmitOptions { idempotency_key: Some("k".into()), ..SubmitOptions::default() };
    assert_eq!(store.submit_with(&again, &keyed).await.unwrap().task_run_id.0, 5);
    assert_eq!(at.sql("select count(*) from pragma_foreign_key_check()").await, ["0"]);
    assert_eq!(store.check_invariants().await.unwrap(), Vec::<String>::new());
}
