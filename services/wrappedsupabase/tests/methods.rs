//! Every method of the query builder, against a real Postgres and a real SQLite.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic like the tests themselves")]

mod cases;
mod common;

use axum::Router;
use cases::{Case, Lite};
use common::{fill, lite, over, run};
use serde_json::Value;
use tasker_testkit::pg::Server;
use wrappedsupabase::chain::names::{Rest, Root};

/// Postgres writes a numeric 20 as `20`, SQLite a real one as `20.0`.
fn even(value: &Value) -> Value {
    match value {
        Value::Number(n) => match n.as_f64() {
            Some(f) if f.fract() == 0.0 => Value::from(f as i64),
            _ => value.clone(),
        },
        Value::Array(all) => all.iter().map(even).collect(),
        Value::Object(o) => Value::Object(o.iter().map(|(k, v)| (k.clone(), even(v))).collect()),
        other => other.clone(),
    }
}

/// What is wrong with an answer.
fn wrong(case: &Case, got: &Value) -> Option<String> {
    let told = || Some(format!("{} {}\n  got {got}", case.method, case.links));
    let success = case.error.is_none();
    let mut fine = got["success"] == success && got["status"] == case.status;
    fine &= got["count"] == case.count.map_or(Value::Null, Value::from);
    match case.error {
        Some(code) => fine &= got["error"]["code"] == code && got["data"].is_null(),
        // A plan is never the same twice.
        None if case.data == "plan" => fine &= got["data"][0]["Plan"].is_object(),
        None => fine &= even(&got["data"]) == even(&case.data) && got["error"].is_null(),
    }
    if fine { None } else { told() }
}

async fn check(app: &Router, all: &[Case]) {
    let mut failed = Vec::new();
    for case in all {
        failed.extend(wrong(case, &run(app, &case.links).await));
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), all.len(), failed.join("\n"));
}

#[tokio::test]
async fn on_postgres() {
    let server = Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let store = tasker_store::connect(database.url()).await.unwrap();
    fill(&*store).await;
    check(&over(store), &cases::all()).await;
}

#[tokio::test]
async fn on_sqlite() {
    let as_lite = |mut case: Case| {
        match case.lite.clone() {
            Lite::Same => {}
            // Null stands for what only Postgres has.
            Lite::Data(Value::Null) => (case.error, case.status) = (Some("42703"), 400),
            Lite::Data(data) => case.data = data,
            Lite::Refuses(code) => {
                (case.error, case.status, case.count) = (Some(code), 400, None);
            }
        }
        case
    };
    let all: Vec<Case> = cases::all().into_iter().map(as_lite).collect();
    check(&over(lite().await), &all).await;
}

#[test]
fn no_method_is_without_a_case() {
    let all = cases::all();
    let names = Rest::NAMES.iter().chain(Root::NAMES).filter(|n| !["auth", "storage"].contains(n));
    let missing: Vec<_> = names.filter(|n| !all.iter().any(|c| c.method == **n)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
