//! Queries of task code on tables.

use serde_json::{Value, json};

use super::fixture::{More as _, doc, new, step};
use tasker_store::{NewRun, StorageAdapter};
use tasker_tables::{
    Action, Compare, Condition, Conflict, Field, Fields, Format, Insert, Item, Operand, Order,
    OrderBy, Query, QueryError, Read, SelectedValue, Test, Words, fields_of,
};

/// Tables of a user's own.
const TABLES: &str = "\
create table things (id {id}, name text not null unique, code text not null, description text, \
  version bigint not null default 1);; \
create table parts (id {id}, thing_id bigint not null references things (id), \
  state text not null default 'new' check (state in ('new', 'old')), at timestamptz, \
  ready boolean, result {doc})";

pub fn on(table: &str, action: Action) -> Query {
    Query {
        schema: None,
        target: table.into(),
        action,
        read: Read { items: vec![Item::All], ..Read::default() },
        answers: true,
        count: None,
        single: false,
        max_affected: None,
        rollback: false,
        strip_nulls: false,
        format: Format::Json,
    }
}

/// Reads all of a table or view.
pub fn read(table: &str) -> Query {
    on(table, Action::Read)
}

fn fields(value: &Value) -> Fields {
    fields_of(&value.to_string()).unwrap()
}

pub fn insert(rows: &[Value]) -> Action {
    Action::Insert(Insert { rows: rows.iter().map(fields).collect(), ..Insert::default() })
}

fn upsert(rows: &[Value], columns: &[&str]) -> Action {
    let columns = columns.iter().map(ToString::to_string).collect();
    let conflict = Some(Conflict { columns, ignore: false });
    let rows = rows.iter().map(fields).collect();
    Action::Insert(Insert { rows, conflict, missing_default: false })
}

fn update(patch: &Value) -> Action {
    Action::Update(fields(patch))
}

fn field(column: &str) -> Field {
    Field { column: column.into(), path: vec![], text: false }
}

async fn rows(store: &dyn StorageAdapter, query: &Query) -> Vec<Value> {
    store.rest(query, None).await.unwrap().values().unwrap()
}

async fn code(store: &dyn StorageAdapter, query: &Query) -> String {
    match store.rest(query, None).await {
        Err(QueryError::Sql(error)) => {
            assert!(!error.message.is_empty());
            error.code
        }
        other => panic!("{query:?}: {other:?}"),
    }
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|r| r["name"].as_str().unwrap()).collect()
}

/// Short words for queries.
trait Narrow {
    fn eq(self, column: &str, value: &Value) -> Self;
    fn only(self, columns: &[&str]) -> Self;
}

impl Narrow for Query {
    fn eq(mut self, column: &str, value: &Value) -> Self {
        let test = match value {
            Value::Null => Test::Is(Words::Null),
            Value::String(text) => Test::Compare(Compare::Eq, None, Operand::Text(text.clone())),
            other => Test::Compare(Compare::Eq, None, Operand::Text(other.to_string())),
        };
        self.read.conditions.push(Condition::Test { field: field(column), negated: false, test });
        self
    }

    fn only(mut self, columns: &[&str]) -> Self {
        let one = |c: &&str| {
            let field = Some(field(c));
            Item::Value(SelectedValue { field, cast: None, aggregate: None, alias: None })
        };
        self.read.items = columns.iter().map(one).collect();
        self
    }
}

async fn things(store: &dyn StorageAdapter) -> Vec<Value> {
    store.script(TABLES).await.unwrap();
    let three = ["c", "a", "b"].map(|n| json!({"name": n, "code": format!("{n}'\"$1?1")}));
    let insert = on("things", insert(&three));
    rows(store, &insert.only(&["name", "code", "version"])).await
}

pub async fn rows_are_written_and_read(store: &dyn StorageAdapter) {
    let made = things(store).await;
    assert_eq!(made[0], json!({"name": "c", "code": "c'\"$1?1", "version": 1}));
    let all = rows(store, &read("things")).await;
    assert_eq!((all.len(), all[0]["id"].is_i64()), (3, true));
    let one = read("things").eq("name", &json!("a")).eq("version", &json!(1));
    assert_eq!(names(&rows(store, &one).await), ["a"]);
    let none = read("things").eq("name", &json!("a' or 1=1 --"));
    assert!(rows(store, &none).await.is_empty());

    let patch = update(&json!({"description": "x", "code": "new", "version": 2}));
    let mut change = on("things", patch).eq("name", &json!("a")).only(&["description"]);
    assert_eq!(rows(store, &change).await, [json!({"description": "x"})]);
    change.answers = false;
    let answer = store.rest(&change, None).await.unwrap();
    assert!(answer.values().unwrap().is_empty() && answer.affected == 1);
    let changed = rows(store, &read("things").eq("name", &json!("a"))).await;
    assert_eq!((&changed[0]["code"], &changed[0]["version"]), (&json!("new"), &json!(2)));

    let id = &changed[0]["id"];
    let gone = on("things", Action::Delete).eq("id", id).only(&["id"]);
    assert_eq!(rows(store, &gone).await, [json!({ "id": id })]);
    let gone = on("things", Action::Delete).eq("id", &json!(all[0]["id"].to_string()));
    assert_eq!(rows(store, &gone).await.len(), 1);
}

pub async fn null_order_and_limit(store: &dyn StorageAdapter) {
    things(store).await;
    let mut sorted = read("things").eq("description", &Value::Null);
    let by = OrderBy::Field(field("name"));
    sorted.read.order = vec![Order { by, descending: false, nulls_first: None }];
    assert_eq!(names(&rows(store, &sorted).await), ["a", "b", "c"]);
    sorted.read.order[0].descending = true;
    sorted.read.limit = Some(2);
    assert_eq!(names(&rows(store, &sorted).await), ["c", "b"]);
    sorted.read.offset = 1;
    assert_eq!(names(&rows(store, &sorted).await), ["b", "a"]);
    sorted.read.offset = 0;
    let about = update(&json!({"description": "d"}));
    rows(store, &on("things", about).eq("name", &json!("b"))).await;
    sorted.read.limit = None;
    assert_eq!(names(&rows(store, &sorted).await), ["c", "a"]);
    let back = update(&json!({"description": null}));
    rows(store, &on("things", back)).await;
    assert_eq!(rows(store, &sorted).await.len(), 3);
}

pub async fn rows_are_upserted(store: &dyn StorageAdapter) {
    things(store).await;
    let two =
        [json!({"name": "a", "code": "2"}), json!({"name": "z", "code": "1", "description": "d"})];
    let query = on("things", upsert(&two, &["name"])).only(&["name", "code", "description"]);
    let got = rows(store, &query).await;
    assert_eq!(got[0], json!({"name": "a", "code": "2", "description": null}));
    assert_eq!(got[1], json!({"name": "z", "code": "1", "description": "d"}));
    let a = rows(store, &read("things").eq("name", &json!("a"))).await;
    let keep = upsert(&[json!({"id": a[0]["id"], "name": "a2", "code": "2"})], &[]);
    rows(store, &on("things", keep)).await;
    assert!(rows(store, &read("things").eq("name", &json!("a"))).await.is_empty());
    assert_eq!(rows(store, &read("things")).await.len(), 4);
}

pub async fn names_and_secrets_are_refused(store: &dyn StorageAdapter) {
    things(store).await;
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
        assert_eq!(code(store, &read(table)).await, "42501", "{table}");
    }
    for bad in ["a b", "a\"b", "public.keystore", "", "x;--", "(select 1)"] {
        assert_eq!(code(store, &read(bad)).await, "42601", "{bad}");
        for query in [
            read("things").eq(bad, &json!(1)),
            read("things").only(&[bad]),
            on("things", insert(&[json!({bad: 1})])),
            on("things", update(&json!({bad: 1}))),
            on("things", upsert(&[json!({"id": 1})], &[bad])),
        ] {
            assert!(matches!(store.rest(&query, None).await, Err(QueryError::Sql(_))), "{query:?}");
        }
    }
}

/// Whatever the migrations make is closed: task code reads how runs are doing, and no more.
pub async fn the_engines_tables_are_out_of_reach(store: &dyn StorageAdapter) {
    let run = super::fixture::start(store, "t").await;
    for table in tasker_tables::own() {
        for action in [insert(&[json!({"id": 1})]), update(&json!({"id": 1})), Action::Delete] {
            assert_eq!(code(store, &on(table, action)).await, "42501", "{table}");
        }
        let found = store.rest(&read(table), None).await;
        assert_eq!(found.is_ok(), tasker_tables::readable(table), "{table}: {found:?}");
    }
    let status = read("task_runs").eq("id", &json!(run.task_run_id.0)).only(&["status"]);
    assert_eq!(rows(store, &status).await, [json!({"status": "pending"})]);
    assert_eq!(store.functions().await.unwrap().len(), 1);
}

pub async fn broken_rules_have_codes(store: &dyn StorageAdapter) {
    things(store).await;
    let add = |table: &str, row: Value| on(table, insert(&[row]));
    assert_eq!(code(store, &add("things", json!({"name": "a", "code": "x"}))).await, "23505");
    assert_eq!(code(store, &add("things", json!({"name": "q"}))).await, "23502");
    assert_eq!(code(store, &add("parts", json!({"thing_id": 99}))).await, "23503");
    assert_eq!(code(store, &add("parts", json!({"thing_id": 1, "state": "odd"}))).await, "23514");
    assert_eq!(code(store, &read("nowhere")).await, "42P01");
    assert_eq!(code(store, &read("things").only(&["nothing"])).await, "42703");
    assert_eq!(code(store, &read("things").eq("nothing", &json!(1))).await, "42703");
    assert_eq!(code(store, &add("things", json!({}))).await, "22023");
    // After an error the store works on.
    assert_eq!(rows(store, &read("things")).await.len(), 3);
}

pub async fn json_columns_come_back_as_json(store: &dyn StorageAdapter) {
    things(store).await;
    store.publish("t", "1", None).await.unwrap();
    let input = doc(r#"{"b":[1,2.50],"a":"\ud800","big":12345678901234567890123,"inf":1e999}"#);
    let run = store.submit(&NewRun { input: input.clone(), ..new("t") }).await.unwrap();
    let query = read("task_runs").only(&["id", "input", "result", "created_at"]);
    let answer = store.rest(&query, None).await.unwrap();
    let tasker_tables::Data::Rows(raw) = &answer.data else { panic!("{answer:?}") };
    assert!(raw[0].get().contains(input.get()), "byte for byte: {}", raw[0]);
    let row = &answer.values().unwrap()[0];
    assert_eq!((&row["input"]["b"][0], &row["input"]["a"]), (&json!(1), &json!("\u{fffd}")));
    assert_eq!((&row["input"]["inf"], &row["result"]), (&Value::Null, &Value::Null));
    assert!(row["created_at"].as_str().unwrap().starts_with("20"), "{row}");

    // What is written keeps its bytes too.
    let odd = r#"{"x":[true,1.50,12345678901234567890123],"x":2}"#;
    let part =
        format!(r#"{{"thing_id":1,"ready":true,"at":"2026-01-02T03:04:05.678Z","result":{odd}}}"#);
    let part = Insert { rows: vec![fields_of(&part).unwrap()], ..Insert::default() };
    let query = on("parts", Action::Insert(part)).only(&["result", "at", "ready"]);
    let answer = store.rest(&query, None).await.unwrap();
    let tasker_tables::Data::Rows(raw) = &answer.data else { panic!("{answer:?}") };
    assert!(raw[0].get().contains(odd), "byte for byte: {}", raw[0]);
    let found = rows(store, &read("parts").eq("ready", &json!(true))).await;
    assert!(found[0]["at"].as_str().unwrap().starts_with("2026-01-02T03:04:05.678"), "{found:?}");
    let at = read("parts").eq("at", &json!("2026-01-02T03:04:05.678Z")).only(&["ready"]);
    assert_eq!(rows(store, &at).await, [json!({"ready": true})]);

    let runnable = read("stack_runs").eq("runnable", &json!(true)).only(&["runnable", "kind"]);
    assert_eq!(rows(store, &runnable).await, [json!({"runnable": true, "kind": "task"})]);
    let root = store.claim_row(run.root_id, "p").await.unwrap().unwrap().row.lease;
    let end = step(run.root_id, &root, (0, 0), vec![]).ends("2").prints("x");
    store.advance(&end).await.unwrap();
    let logs = read("task_runs").only(&["logs"]);
    assert_eq!(rows(store, &logs).await, [json!({"logs": ["info: x"]})]);
}

pub async fn many_rows_at_once(store: &dyn StorageAdapter) {
    things(store).await;
    let many: Vec<Value> = (0..5000)
        .map(|n| json!({"name": format!("n{n}"), "code": "c", "version": 1, "description": n}))
        .collect();
    let mut query = on("things", insert(&many));
    query.answers = false;
    assert_eq!(store.rest(&query, None).await.unwrap().affected, 5000);
    let all = rows(store, &read("things").only(&["name"])).await;
    assert_eq!(all.len(), 5003);
}
