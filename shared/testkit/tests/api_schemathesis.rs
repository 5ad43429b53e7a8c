//! schemathesis against every running service, by the documents that they serve themselves.
//!
//! `make test-api` is the long form: `API_CASES` test cases of each operation, on both databases.

use crate::supabase;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use axum::{Json, Router, routing::get};
use http::StatusCode;
use serde_json::{Value, json};
use supabase::Keys;
use tasker_core::call::SERVICES;
use tasker_http::{
    ApiError,
    openapi::{Document, Operation},
};
use tasker_testkit::{
    pg,
    stack::{Shape, Stack},
};

/// Checks of schemathesis and ours. Not `not_a_server_error`: ours knows which 5xx is meant.
const CHECKS: &str = "no_fault_of_ours,errors_have_their_text,response_schema_conformance,\
                      content_type_conformance,status_code_conformance,unsupported_method";
/// Test cases of each operation in the short form.
const FEW: &str = "12";

/// What schemathesis came to with one service.
struct Run {
    service: &'static str,
    cases: u64,
    failed: bool,
    said: String,
    took: Duration,
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api")
}

fn attack(service: &'static str, url: &str, key: &str, cases: &str, dir: &Path) -> Run {
    let began = Instant::now();
    let report = dir.join(format!("{service}.json"));
    let venv = supabase::venv("schemathesis", &here().join("requirements.txt"));
    let mut command = Command::new(venv.join("bin/schemathesis"));
    command.arg("run").arg(format!("{url}/{service}/openapi.json"));
    command.args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"]);
    command.args(["--max-examples", cases, "--seed", "1", "--continue-on-failure"]);
    command.args(["--request-timeout", "20", "--report", "json"]);
    command.arg("--report-json-path").arg(&report);
    command.arg("-H").arg(format!("apikey: {key}"));
    command.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", here());
    command.current_dir(dir);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = fs::read_to_string(report).unwrap_or_default();
    let report: Value = serde_json::from_str(&report).unwrap_or_default();
    Run {
        service,
        cases: cases_of(&report),
        failed: !output.status.success(),
        said: said + &String::from_utf8_lossy(&output.stderr),
        took: began.elapsed(),
    }
}

fn cases_of(report: &Value) -> u64 {
    report["test_cases"]["generated"].as_u64().unwrap_or(0)
}

async fn all_services(shape: Shape, name: &str, cases: &str) -> Vec<Run> {
    let keys = Keys::new();
    let dir = supabase::folder(name);
    let mut env = keys.env();
    // A turn that never ends ends early, and nobody asks the outside.
    env.push(("TASKER_TURN_MS".into(), "300".into()));
    env.push(("GAPI_ROOT_URL".into(), "http://127.0.0.1:9".into()));
    env.push(("TASKER_FETCH_ALLOW".into(), "none".into()));
    let stack = Stack::start(shape, &dir, &env).await.unwrap();
    let code = json!({ "name": "echo", "code": "module.exports = async (input) => input;" });
    let publish = reqwest::Client::new().post(format!("{}/tasks/publish", stack.url));
    let published = publish.header("apikey", keys.secret()).json(&code).send().await.unwrap();
    assert_eq!(published.status(), 200);
    let mut runs = Vec::new();
    for pair in SERVICES.chunks(2) {
        let threads: Vec<_> = pair
            .iter()
            .map(|service| {
                let (url, key) = (stack.url.clone(), keys.secret().to_owned());
                let (cases, dir) = (cases.to_owned(), dir.clone());
                std::thread::spawn(move || attack(service, &url, &key, &cases, &dir))
            })
            .collect();
        runs.extend(threads.into_iter().map(|t| t.join().unwrap()));
    }
    let alive = stack.get("tasks/health").await.unwrap();
    assert_eq!(alive.0, 200, "{}", stack.logs());
    runs
}

fn judge(runs: &[Run]) -> u64 {
    let mut text = String::from("\n");
    for Run { service, cases, failed, said, took } in runs {
        let verdict = if *failed { "FAILED" } else { "no fault" };
        text +=
            &format!("{service:<24} {cases:>7} cases  {verdict}  {:.1} s\n", took.as_secs_f64());
        if *failed {
            text += said;
        }
    }
    let total = runs.iter().map(|r| r.cases).sum();
    text += &format!("{:<24} {total:>7} cases\n", "schemathesis, all");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
    let failed: Vec<_> = runs.iter().filter(|r| r.failed).map(|r| r.service).collect();
    assert!(failed.is_empty(), "schemathesis found faults of {failed:?}");
    assert!(runs.iter().all(|r| r.cases > 20), "some service was hardly tried");
    total
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_in_six_processes() {
    let server = pg::Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let shape = Shape::Six(database.url().to_owned());
    let cases = std::env::var("API_CASES");
    let total = judge(&all_services(shape, "api-six", cases.as_deref().unwrap_or(FEW)).await);
    assert!(cases.is_err() || total >= 5000, "{total} cases only");
}

/// The long form alone: SQLite says no to other things than Postgres.
#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_in_one_process() {
    let Ok(cases) = std::env::var("API_CASES") else { return };
    judge(&all_services(Shape::One, "api-one", &cases).await);
}

/// The control: faults that are there are found.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_service_is_found_out() {
    let document = Document::new("broken", "Fails.", "1")
        .get("/fails", Operation::new("Fails").open().answers(200, "Never", json!({})))
        .get("/mute", Operation::new("Says nothing").open().answers(200, "Never", json!({})));
    let service = Router::new()
        .route("/fails", get(|| async { ApiError::internal("on purpose") }))
        .route("/mute", get(|| async { (StatusCode::BAD_REQUEST, Json(json!({ "why": 1 }))) }))
        .merge(document.serve());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/functions/v1", listener.local_addr().unwrap());
    let routes = tasker_http::with_layers(tasker_http::mount("broken", service));
    let served = tokio::spawn(tasker_http::serve(listener, routes, std::future::pending()));
    let dir = supabase::folder("api-broken");
    fs::create_dir_all(&dir).unwrap();
    let run = tokio::task::spawn_blocking(move || attack("broken", &url, "none", "3", &dir));
    let run = run.await.unwrap();
    served.abort();
    for fault in ["500 {'error'", "without `error`"] {
        assert!(run.failed && run.said.contains(fault), "not found: {fault}\n{}", run.said);
    }
}
