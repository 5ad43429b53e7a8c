//! Requests that are no queries: each is told what is wrong with it.

use serde_json::{Value, json};
use wrappedsupabase::{State, router};

use crate::{
    common::request,
    supabase::{AT, app, chain, post},
};

/// A request, the code it is refused with, and what the message names.
type Refused = (Value, &'static str, &'static str);

fn table() -> Value {
    json!(["from", "t"])
}

fn without_form() -> Vec<Refused> {
    let t = table();
    vec![
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
    ]
}

fn wrong_reads() -> Vec<Refused> {
    let t = table();
    vec![
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
    ]
}

fn wrong_writes() -> Vec<Refused> {
    let t = table();
    vec![
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
    ]
}

fn unknown_words() -> Vec<Refused> {
    let t = table();
    vec![
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
    ]
}

#[tokio::test]
async fn chains_that_are_not_understood() {
    let app = app().await;
    let cases = [without_form(), wrong_reads(), wrong_writes(), unknown_words()].concat();
    for (body, code, names) in cases {
        let answer = post(&app, &body.to_string()).await;
        let value = answer.json();
        let http = if code.starts_with("PGRST") { 200 } else { 400 };
        assert_eq!(answer.status, http, "{body}: {value}");
        assert_eq!(value["error"]["code"], code, "{body}: {value}");
        assert!(value["error"]["message"].as_str().unwrap().contains(names), "{body}: {value}");
        assert_eq!(value["status"], 400);
    }
}

#[tokio::test]
async fn a_method_that_is_not_known_is_told_which_are() {
    let app = app().await;
    let unknown = post(&app, &chain(json!([table(), ["select"], ["f"]])).to_string()).await.json();
    assert!(unknown["error"]["hint"].as_str().unwrap().contains("maybeSingle"));
}

#[tokio::test]
async fn bodies_that_are_no_chains() {
    let app = app().await;
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let links = json!([table(), ["select"], ["eq", "a", "deep"]]);
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
