//! Every verb against a real SQLite database, and what is refused.

use crate::common;

use axum::Router;
use common::{Answer, request};
use serde_json::{Value, json};
use wrappedsupabase::{State, router};

pub const AT: &str = "/functions/v1/wrappedsupabase";

/// Tables of a user's own.
const TABLES: &str = "\
create table things (id {id}, name text not null unique, code text not null, description text, \
  version bigint not null default 1);; \
create table jobs (id {id}, task_name text not null, status text not null default 'pending' \
  check (status in ('pending', 'done')), input {doc}, result {doc});; \
create table steps (id {id}, job_id bigint not null references jobs (id))";

pub async fn app() -> Router {
    let store = tasker_store::connect("sqlite::memory:").await.unwrap();
    store.script(TABLES).await.unwrap();
    tasker_http::with_layers(tasker_http::mount("wrappedsupabase", router(State::new(store))))
}

/// `[["from","t"],["select"]]` as a chain.
pub fn chain(links: Value) -> Value {
    let link = |l: &Value| {
        let parts = l.as_array().unwrap();
        json!({"property": parts[0], "args": parts[1..]})
    };
    json!({"chain": links.as_array().unwrap().iter().map(link).collect::<Vec<_>>()})
}

pub async fn post(app: &Router, body: &str) -> Answer {
    request(app, "POST", AT, body).await
}

async fn run(app: &Router, links: Value) -> Value {
    let answer = post(app, &chain(links.clone()).to_string()).await;
    assert_eq!(answer.status, 200, "{links}: {}", answer.text);
    answer.json()
}

fn row(name: &str) -> Value {
    json!({"name": name, "code": "c"})
}

async fn seeded() -> Router {
    let app = app().await;
    let rows = json!([row("a"), row("b"), {"name": "c", "code": "c", "description": "third"}]);
    let result = run(&app, json!([["from", "things"], ["insert", rows]])).await;
    assert_eq!(
        result,
        json!({
            "success": true, "error": null, "data": null, "count": null, "status": 201,
            "statusText": "Created",
        })
    );
    app
}

#[tokio::test]
async fn reads() {
    let app = seeded().await;
    let t = json!(["from", "things"]);
    let cases = [
        (json!([t, ["select", "name"]]), json!([{"name": "a"}, {"name": "b"}, {"name": "c"}])),
        (json!([t, ["select", "id, name"], ["limit", 1]]), json!([{"id": 1, "name": "a"}])),
        (json!([t, ["select", "name"], ["limit", 0]]), json!([])),
        (
            json!([t, ["select", "name"], ["order", "name", {"ascending": false}], ["limit", 1]]),
            json!([{"name": "c"}]),
        ),
        (json!([t, ["select", "id"], ["eq", "name", "b"]]), json!([{"id": 2}])),
        (
            json!([t, ["select", "name"], ["eq", "id", 2], ["eq", "name", "b"]]),
            json!([{"name": "b"}]),
        ),
        (
            json!([t, ["select", "name"], ["eq", "description", null], ["order", "id"]]),
            json!([{"name": "a"}, {"name": "b"}]),
        ),
        (json!([t, ["select", "name"], ["eq", "name", "c"], ["single"]]), json!({"name": "c"})),
        (
            json!([t, ["select", "name"], ["eq", "name", "c"], ["maybeSingle"]]),
            json!({"name": "c"}),
        ),
        (
            json!([
                t,
                ["select", "name"],
                ["eq", "name", "'; drop table things --"],
                ["maybeSingle"]
            ]),
            json!(null),
        ),
    ];
    for (links, data) in cases {
        let result = run(&app, links.clone()).await;
        let expected = json!({
            "success": true, "error": null, "data": data, "count": null, "status": 200,
            "statusText": "OK",
        });
        assert_eq!(result, expected, "{links}");
    }
    let all = run(&app, json!([t, ["select", "*"], ["eq", "id", 3], ["single"]])).await;
    assert_eq!(
        (&all["data"]["description"], &all["data"]["version"]),
        (&json!("third"), &json!(1))
    );
}

#[tokio::test]
async fn single_wants_one_row() {
    let app = seeded().await;
    let t = json!(["from", "things"]);
    let cases = [
        (json!([t, ["select"], ["single"]]), "The result contains 3 rows"),
        (json!([t, ["select"], ["eq", "id", 9], ["single"]]), "The result contains 0 rows"),
        (
            json!([t, ["select"], ["maybeSingle"]]),
            "Results contain 3 rows, application/vnd.pgrst.object+json requires 1 row",
        ),
    ];
    for (links, details) in cases {
        let result = run(&app, links).await;
        assert_eq!(
            (&result["status"], &result["statusText"]),
            (&json!(406), &json!("Not Acceptable"))
        );
        assert_eq!(result["error"]["code"], "PGRST116");
        assert_eq!(result["error"]["details"], details);
        assert_eq!(result["data"], json!(null));
    }
}

/// A chain, its status and its data.
type Answered = (Value, u16, Value);

fn inserts_and_updates() -> Vec<Answered> {
    let t = json!(["from", "things"]);
    vec![
        (
            json!([t, ["insert", row("d")], ["select", "id,name"]]),
            201,
            json!([{"id": 4, "name": "d"}]),
        ),
        (
            json!([t, ["insert", row("e")], ["select", "name"], ["single"]]),
            201,
            json!({"name": "e"}),
        ),
        (json!([t, ["insert", []], ["select"]]), 201, json!([])),
        (json!([t, ["insert", []]]), 201, json!(null)),
        (json!([t, ["update", {"description": "x"}], ["eq", "name", "a"]]), 204, json!(null)),
        (
            json!([t, ["update", {"description": null}], ["eq", "name", "a"], ["select", "name,description"]]),
            200,
            json!([{"name": "a", "description": null}]),
        ),
        (
            json!([t, ["update", {"description": "y"}], ["eq", "name", "zz"], ["select"]]),
            200,
            json!([]),
        ),
    ]
}

/// What is done after those: it sees their rows.
fn upserts_and_deletes() -> Vec<Answered> {
    let t = json!(["from", "things"]);
    let conflict = json!({"onConflict": "name"});
    vec![
        (json!([t, ["upsert", {"name": "a", "code": "new"}, conflict]]), 201, json!(null)),
        (
            json!([t, ["upsert", [{"name": "b", "code": "new"}], conflict], ["select", "id,code"]]),
            201,
            json!([{"id": 2, "code": "new"}]),
        ),
        (
            json!([t, ["select", "code"], ["eq", "name", "a"], ["single"]]),
            200,
            json!({"code": "new"}),
        ),
        (
            json!([t, ["update", {"description": "all"}], ["select", "name"], ["limit", 2]]),
            200,
            json!([{"name": "a"}, {"name": "b"}]),
        ),
        (json!([["from", "steps"], ["delete"]]), 204, json!(null)),
        (
            json!([["from", "jobs"], ["insert", {"task_name": "t", "input": {"a": [1, null, "x"]}, "result": 7}], ["select", "input,result"], ["single"]]),
            201,
            json!({"input": {"a": [1, null, "x"]}, "result": 7}),
        ),
        (
            json!([
                ["from", "jobs"],
                ["delete"],
                ["eq", "task_name", "t"],
                ["select", "task_name"]
            ]),
            200,
            json!([{"task_name": "t"}]),
        ),
    ]
}

#[tokio::test]
async fn writes() {
    let app = seeded().await;
    let cases = [inserts_and_updates(), upserts_and_deletes()].concat();
    for (links, status, data) in cases {
        let result = run(&app, links.clone()).await;
        assert_eq!(
            (&result["status"], &result["data"]),
            (&json!(status), &data),
            "{links}: {result}"
        );
        assert_eq!(result["error"], json!(null));
    }
}

#[tokio::test]
async fn the_databases_errors_are_results() {
    let app = seeded().await;
    let t = json!(["from", "things"]);
    let cases = [
        (json!([["from", "nowhere"], ["select"]]), "42P01", 404),
        (json!([["from", "keystore"], ["select"]]), "42501", 403),
        (json!([["from", "a.b"], ["select"]]), "42601", 400),
        (json!([t, ["select", "nothing"], ["limit", 1]]), "42703", 400),
        (json!([t, ["insert", {"nothing": 1}]]), "42703", 400),
        (json!([t, ["insert", row("a")]]), "23505", 409),
        (json!([t, ["insert", {"name": "x"}]]), "23502", 400),
        (json!([t, ["insert", {}]]), "22023", 400),
        (json!([["from", "jobs"], ["insert", {"task_name": "t", "status": "odd"}]]), "23514", 400),
        (json!([["from", "steps"], ["insert", {"job_id": 99}]]), "23503", 409),
    ];
    for (links, code, status) in cases {
        let result = run(&app, links.clone()).await;
        assert_eq!(
            (&result["error"]["code"], &result["status"]),
            (&json!(code), &json!(status)),
            "{links}: {result}"
        );
        assert_eq!((&result["data"], &result["count"]), (&json!(null), &json!(null)));
        let error = result["error"].as_object().unwrap();
        assert_eq!(error.keys().collect::<Vec<_>>(), ["code", "message", "details", "hint"]);
    }
}
