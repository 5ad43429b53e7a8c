//! Every verb against a real SQLite database, and what is refused.

use crate::common;

use axum::Router;
use common::{Answer, request};
use serde_json::{Value, json};
use wrappedsupabase::{State, router};

const AT: &str = "/functions/v1/wrappedsupabase";

/// Tables of a user's own.
const TABLES: &str = "\
create table things (id {id}, name text not null unique, code text not null, description text, \
  version bigint not null default 1);; \
create table jobs (id {id}, task_name text not null, status text not null default 'pending' \
  check (status in ('pending', 'done')), input {doc}, result {doc});; \
create table steps (id {id}, job_id bigint not null references jobs (id))";

async fn app() -> Router {
    let store = tasker_store::connect("sqlite::memory:").await.unwrap();
    store.script(TABLES).await.unwrap();
    tasker_http::with_layers(tasker_http::mount("wrappedsupabase", router(State::new(store))))
}

/// `[["from","t"],["select"]]` as a chain.
fn chain(links: Value) -> Value {
    let link = |l: &Value| {
        let parts = l.as_array().unwrap();
        json!({"property": parts[0], "args": parts[1..]})
    };
    json!({"chain": links.as_array().unwrap().iter().map(link).collect::<Vec<_>>()})
}

async fn post(app: &Router, body: &str) -> Answer {
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

#[tokio::test]
async fn writes() {
    let app = seeded().await;
    let t = json!(["from", "things"]);
    let conflict = json!({"onConflict": "name"});
    let cases = [
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
    ];
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

#[tokio::test]
async fn chains_that_are_not_understood() {
    let app = app().await;
    let t = json!(["from", "t"]);
    let cases = [
        (json!({}), "INVALID_CHAIN_FORMAT", "expected chain array"),
        (json!({"chain": {}}), "INVALID_CHAIN_FORMAT", "expected chain array"),
        (json!({"chain": []}), "INVALID_CHAIN_FORMAT", "expected chain array"),
        (json!({"chain": ["from"]}), "INVALID_CHAIN_FORMAT", "chain[0]"),
        (json!({"chain": [{"args": []}]}), "INVALID_CHAIN_FORMAT", "chain[0].property"),
        (
            json!({"chain": [{"property": "from", "args": "t"}]}),
            "INVALID_CHAIN_FORMAT",
            "chain[0].args",
        ),
        (chain(json!([["from"]])), "INVALID_CHAIN_FORMAT", "the table's name"),
        (chain(json!([t])), "INVALID_CHAIN_FORMAT", "must say what to do"),
        (chain(json!([["select"]])), "INVALID_CHAIN_FORMAT", "begins with from"),
        (chain(json!([t, ["select"], t])), "INVALID_CHAIN_FORMAT", "chain[2]"),
        (chain(json!([t, ["eq", "a", 1], ["select"]])), "INVALID_CHAIN_FORMAT", "chain[1]"),
        (
            chain(json!([t, ["select"], ["insert", {"a": 1}]])),
            "INVALID_CHAIN_FORMAT",
            "one chain does one thing",
        ),
        (chain(json!([t, ["select"], ["select"]])), "INVALID_CHAIN_FORMAT", "twice"),
        (chain(json!([t, ["select", "a b:'"]])), "PGRST100", "select parameter (ab:')"),
        (chain(json!([t, ["select", 7]])), "INVALID_CHAIN_FORMAT", "args[0]"),
        (
            chain(json!([t, ["select", "*", {"count": "all"}]])),
            "INVALID_CHAIN_FORMAT",
            "exact, planned",
        ),
        (chain(json!([t, ["select", "*", {"odd": 1}]])), "INVALID_CHAIN_FORMAT", "'odd'"),
        (chain(json!([t, ["select"], ["eq", "a"]])), "INVALID_CHAIN_FORMAT", "args[1]"),
        (chain(json!([t, ["select"], ["eq", 1, 1]])), "INVALID_CHAIN_FORMAT", "args[0]"),
        (chain(json!([t, ["select"], ["limit", -1]])), "INVALID_CHAIN_FORMAT", "whole number"),
        (chain(json!([t, ["select"], ["limit", "x"]])), "INVALID_CHAIN_FORMAT", "whole number"),
        (
            chain(json!([t, ["select"], ["order", "a", {"ascending": 1}]])),
            "INVALID_CHAIN_FORMAT",
            "ascending",
        ),
        (
            chain(json!([t, ["select"], ["order", "a", {"nullsFirst": 1}]])),
            "INVALID_CHAIN_FORMAT",
            "nullsFirst",
        ),
        (chain(json!([t, ["insert"]])), "INVALID_CHAIN_FORMAT", "a row"),
        (chain(json!([t, ["insert", [1]]])), "INVALID_CHAIN_FORMAT", "args[0][0]"),
        (
            chain(json!([t, ["insert", {"a": 1}, {"defaultToNull": 0}]])),
            "INVALID_CHAIN_FORMAT",
            "defaultToNull",
        ),
        (
            chain(json!([t, ["insert", {"a": 1}], ["eq", "a", 1]])),
            "INVALID_CHAIN_FORMAT",
            "eq has no meaning",
        ),
        (
            chain(json!([t, ["upsert", {"a": 1}, {"onConflict": 1}]])),
            "INVALID_CHAIN_FORMAT",
            "onConflict",
        ),
        (
            chain(json!([t, ["upsert", {"a": 1}, {"ignoreDuplicates": "yes"}]])),
            "INVALID_CHAIN_FORMAT",
            "ignoreDuplicates",
        ),
        (chain(json!([t, ["update", [1]]])), "INVALID_CHAIN_FORMAT", "columns to change"),
        (chain(json!([t, ["update", {"a": 1}], ["limit", 1]])), "INVALID_CHAIN_FORMAT", "limit"),
        (chain(json!([t, ["delete"], ["order", "a"]])), "INVALID_CHAIN_FORMAT", "order"),
        (chain(json!([t, ["select"], ["nope", "a", 1]])), "METHOD_NOT_FOUND", "'nope'"),
        (chain(json!([t, ["toString"]])), "METHOD_NOT_FOUND", "'toString'"),
        (chain(json!([["constructor"]])), "METHOD_NOT_FOUND", "'constructor'"),
        (chain(json!([["auth"]])), "NO_SUPABASE_PROJECT", "SUPABASE_URL"),
        (chain(json!([["storage"], ["listBuckets"]])), "NO_SUPABASE_PROJECT", "SUPABASE_URL"),
        (chain(json!([t, ["select"], ["filter", "a", "odd", 1]])), "PGRST100", "odd.1"),
        (chain(json!([t, ["select"], ["or", "a.eq.1,"]])), "PGRST100", "logic tree"),
        (
            chain(json!([t, ["select"], ["order", "a", {"referencedTable": "x"}]])),
            "PGRST108",
            "'x'",
        ),
    ];
    for (body, code, names) in cases {
        let answer = post(&app, &body.to_string()).await;
        let value = answer.json();
        let http = if code.starts_with("PGRST") { 200 } else { 400 };
        assert_eq!(answer.status, http, "{body}: {value}");
        assert_eq!(value["error"]["code"], code, "{body}: {value}");
        assert!(value["error"]["message"].as_str().unwrap().contains(names), "{body}: {value}");
        assert_eq!(value["status"], 400);
    }
    let unknown = post(&app, &chain(json!([t, ["select"], ["f"]])).to_string()).await.json();
    assert!(unknown["error"]["hint"].as_str().unwrap().contains("maybeSingle"));
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let links = json!([t, ["select"], ["eq", "a", "deep"]]);
    let deep = chain(links).to_string().replace("\"deep\"", &deep);
    let refused = post(&app, &deep).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("chain[2].args are nested too deeply"), "{}", refused.text);
    for body in ["", "{", "[]", "7"] {
        assert_eq!(post(&app, body).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn paths_and_methods() {
    let app = app().await;
    let body = chain(json!([["from", "task_runs"], ["select"]])).to_string();
    for path in ["", "/", "/api/proxy/supabase"] {
        assert_eq!(
            request(&app, "POST", &format!("{AT}{path}"), &body).await.status,
            200,
            "{path}"
        );
        for method in ["GET", "PUT"] {
            let answer = request(&app, method, &format!("{AT}{path}"), &body).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.json(), json!({"error": "Method not allowed"}));
        }
    }
    for at in [AT, "/wrappedsupabase"] {
        let health = request(&app, "GET", &format!("{at}/health"), "").await;
        assert_eq!(health.json()["status"], "healthy");
    }
}

#[tokio::test]
async fn an_outage_says_try_again() {
    let store = tasker_store::connect("postgres://u:hush@127.0.0.1:1/x").await.unwrap();
    let app = tasker_http::mount("wrappedsupabase", router(State::new(store)));
    let answer = post(&app, &chain(json!([["from", "t"], ["select"]])).to_string()).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(answer.json()["error"]["code"], "PGRST000");
    assert!(!answer.text.contains("hush"));
}
