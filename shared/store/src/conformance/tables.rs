//! Queries of task code on tables.

use serde_json::{Value, json};

use super::fixture::{More as _, doc, new, started, step};
use crate::{Filter, NewRun, Order, StorageAdapter, StoreError, TableOp, TableQuery};

fn on(table: &str, op: TableOp) -> TableQuery {
    TableQuery {
        table: table.into(),
        op,
        columns: vec![],
        filters: vec![],
        order: vec![],
        limit: None,
        returning: true,
    }
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|r| r["name"].as_str().unwrap()).collect()
}

impl TableQuery {
    fn eq(mut self, column: &str, value: Value) -> Self {
        self.filters.push(Filter { column: column.into(), value });
        self
    }

    fn only(mut self, columns: &[&str]) -> Self {
        self.columns = columns.iter().map(ToString::to_string).collect();
        self
    }
}

async fn tasks(store: &dyn StorageAdapter) -> Vec<Value> {
    let rows = ["c", "a", "b"].map(|n| json!({"name": n, "code": format!("{n}'\"$1?1")}));
    let insert = on("task_functions", TableOp::Insert(rows.to_vec()));
    store.table(&insert.only(&["name", "code", "version"])).await.unwrap()
}

pub async fn rows_are_written_and_read(store: &dyn StorageAdapter) {
    let made = tasks(store).await;
    assert_eq!(made[0], json!({"name": "c", "code": "c'\"$1?1", "version": 1}));
    let all = store.table(&on("task_functions", TableOp::Select)).await.unwrap();
    assert_eq!((all.len(), all[0]["id"].is_i64()), (3, true));
    let one = on("task_functions", TableOp::Select).eq("name", json!("a")).eq("version", json!(1));
    assert_eq!(names(&store.table(&one).await.unwrap()), ["a"]);
    let none = on("task_functions", TableOp::Select).eq("name", json!("a' or 1=1 --"));
    assert!(store.table(&none).await.unwrap().is_empty());

    let patch = TableOp::Update(json!({"description": "x", "code": "new"}));
    let mut change = on("task_functions", patch).eq("name", json!("a")).only(&["description"]);
    assert_eq!(store.table(&change).await.unwrap(), [json!({"description": "x"})]);
    change.returning = false;
    assert!(store.table(&change).await.unwrap().is_empty());
    assert_eq!(store.function("a").await.unwrap().unwrap().version, 2);

    let (run, lease) = started(store, "b", "p").await;
    super::fixture::end(store, run, &lease, "1").await;
    let gone = on("stack_runs", TableOp::Delete).eq("id", json!(run.root_id.0)).only(&["id"]);
    assert_eq!(store.table(&gone).await.unwrap(), [json!({"id": run.root_id.0})]);
    let gone = on("task_runs", TableOp::Delete).eq("id", json!(run.task_run_id.0.to_string()));
    assert_eq!(store.table(&gone).await.unwrap().len(), 1);
}

pub async fn null_order_and_limit(store: &dyn StorageAdapter) {
    tasks(store).await;
    let mut sorted = on("task_functions", TableOp::Select).eq("description", Value::Null);
    sorted.order = vec![Order { column: "name".into(), ascending: true }];
    assert_eq!(names(&store.table(&sorted).await.unwrap()), ["a", "b", "c"]);
    sorted.order[0].ascending = false;
    sorted.limit = Some(2);
    sorted.returning = false;
    assert_eq!(names(&store.table(&sorted).await.unwrap()), ["c", "b"], "a select always answers");
    let about = TableOp::Update(json!({"description": "d"}));
    store.table(&on("task_functions", about).eq("name", json!("b"))).await.unwrap();
    sorted.limit = None;
    assert_eq!(names(&store.table(&sorted).await.unwrap()), ["c", "a"]);
    let back = TableOp::Update(json!({"description": null}));
    store.table(&on("task_functions", back)).await.unwrap();
    assert_eq!(store.table(&sorted).await.unwrap().len(), 3);
}

pub async fn rows_are_upserted(store: &dyn StorageAdapter) {
    tasks(store).await;
    let rows = vec![
        json!({"name": "a", "code": "2"}),
        json!({"name": "z", "code": "1", "description": "d"}),
    ];
    let upsert = on("task_functions", TableOp::Upsert(rows, vec!["name".into()]));
    let got = store.table(&upsert.only(&["name", "code", "description"])).await.unwrap();
    assert_eq!(got[0], json!({"name": "a", "code": "2", "description": null}));
    assert_eq!(got[1], json!({"name": "z", "code": "1", "description": "d"}));
    let keep = TableOp::Upsert(
        vec![
            json!({"id": store.function("a").await.unwrap().unwrap().id, "name": "a2", "code": "2"}),
        ],
        vec![],
    );
    store.table(&on("task_functions", keep)).await.unwrap();
    assert!(store.function("a").await.unwrap().is_none());
    assert_eq!(store.functions().await.unwrap().len(), 4);
}

pub async fn names_and_secrets_are_refused(store: &dyn StorageAdapter) {
    store.key_set("n", "k", "secret").await.unwrap();
    let refused = [
        "keystore",
        "KeyStore",
        "KEYSTORE",
        "pg_authid",
        "pg_class",
        "sqlite_master",
        "sqlite_schema",
        "pragma_table_info",
    ];
    for table in refused {
        let error = store.table(&on(table, TableOp::Select)).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Invalid { code, .. } if code == "42501"),
            "{table}: {error}"
        );
    }
    for bad in ["a b", "a\"b", "public.keystore", "", "x;--", "(select 1)"] {
        let error = store.table(&on(bad, TableOp::Select)).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Invalid { code, .. } if code == "42601"),
            "{bad}: {error}"
        );
        for query in [
            on("task_runs", TableOp::Select).eq(bad, json!(1)),
            on("task_runs", TableOp::Select).only(&[bad]),
            on("task_runs", TableOp::Insert(vec![json!({bad: 1})])),
            on("task_runs", TableOp::Update(json!({bad: 1}))),
            on("task_runs", TableOp::Upsert(vec![json!({"id": 1})], vec![bad.into()])),
        ] {
            assert!(
                matches!(store.table(&query).await, Err(StoreError::Invalid { .. })),
                "{query:?}"
            );
        }
    }
}

pub async fn broken_rules_have_codes(store: &dyn StorageAdapter) {
    tasks(store).await;
    let code = async |query: TableQuery| match store.table(&query).await {
        Err(StoreError::Invalid { code, message }) => {
            assert!(!message.is_empty());
            code
        }
        other => panic!("{query:?}: {other:?}"),
    };
    let insert = |table: &str, row: Value| on(table, TableOp::Insert(vec![row]));
    assert_eq!(code(insert("task_functions", json!({"name": "a", "code": "x"}))).await, "23505");
    assert_eq!(code(insert("task_functions", json!({"name": "q"}))).await, "23502");
    assert_eq!(
        code(insert(
            "task_logs",
            json!({"task_run_id": 99, "level": "x", "message": "", "at_ms": 1})
        ))
        .await,
        "23503"
    );
    assert_eq!(
        code(insert("task_runs", json!({"task_name": "q", "status": "odd"}))).await,
        "23514"
    );
    assert_eq!(code(on("nowhere", TableOp::Select)).await, "42P01");
    assert_eq!(code(on("task_runs", TableOp::Select).only(&["nothing"])).await, "42703");
    assert_eq!(code(on("task_runs", TableOp::Select).eq("nothing", json!(1))).await, "42703");
    assert_eq!(code(on("task_runs", TableOp::Insert(vec![]))).await, "22023");
    // After an error the store works on.
    assert_eq!(store.table(&on("task_functions", TableOp::Select)).await.unwrap().len(), 3);
}

pub async fn json_columns_come_back_as_json(store: &dyn StorageAdapter) {
    store.publish("t", "1", None).await.unwrap();
    let input = doc(r#"{"b":[1,2.50],"a":"\ud800","big":12345678901234567890123,"inf":1e999}"#);
    let run = store.submit(&NewRun { input: input.clone(), ..new("t") }).await.unwrap();
    let read = on("task_runs", TableOp::Select).only(&["id", "input", "result", "created_at"]);
    let raw = store.table_json(&read).await.unwrap();
    assert!(raw[0].get().contains(input.get()), "byte for byte: {}", raw[0]);
    let row = &store.table(&read).await.unwrap()[0];
    assert_eq!((&row["input"]["b"][0], &row["input"]["a"]), (&json!(1), &json!("\u{fffd}")));
    assert_eq!((&row["input"]["inf"], &row["result"]), (&Value::Null, &Value::Null));
    assert!(row["created_at"].as_str().unwrap().starts_with("20"), "{row}");

    let patch =
        TableOp::Update(json!({"result": {"x": [true]}, "updated_at": "2026-01-02T03:04:05.678Z"}));
    let change = on("task_runs", patch).eq("id", json!(run.task_run_id.0)).only(&["result"]);
    assert_eq!(store.table(&change).await.unwrap()[0]["result"], json!({"x": [true]}));
    let row = store.run(run.task_run_id).await.unwrap().unwrap();
    assert_eq!((row.result.unwrap().get(), row.updated_at), (r#"{"x":[true]}"#, 1_767_323_045_678));
    let mut read = on("stack_runs", TableOp::Select).eq("runnable", json!(true));
    read.columns = vec!["runnable".into(), "kind".into()];
    assert_eq!(store.table(&read).await.unwrap(), [json!({"runnable": true, "kind": "task"})]);
    let root = store.claim_row(run.root_id, "p").await.unwrap().unwrap().row.lease;
    let end = step(run.root_id, &root, (0, 0), vec![]).ends("2").prints("x");
    store.advance(&end).await.unwrap();
    let read = on("task_runs", TableOp::Select).only(&["logs"]);
    assert_eq!(store.table(&read).await.unwrap(), [json!({"logs": ["info: x"]})]);
}

pub async fn many_rows_at_once(store: &dyn StorageAdapter) {
    let rows: Vec<Value> = (0..5000)
        .map(|n| json!({"name": format!("n{n}"), "code": "c", "version": 1, "description": n}))
        .collect();
    let mut insert = on("task_functions", TableOp::Insert(rows));
    insert.returning = false;
    store.table(&insert).await.unwrap();
    let all = store.table(&on("task_functions", TableOp::Select).only(&["name"])).await.unwrap();
    assert_eq!(all.len(), 5000);
}
