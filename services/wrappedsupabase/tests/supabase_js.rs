//! The same chains through the real supabase-js and through us: one server sees the same requests,
//! and the same answers become the same results.

#![allow(clippy::unwrap_used, reason = "helpers of tests panic like the tests themselves")]

mod cases;
mod common;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use axum::response::Response;
use common::{
    mounted,
    recorder::{Recorded, Recorder, answer, json_answer, meaning},
    run,
};
use serde_json::{Value, json};
use wrappedsupabase::{Forward, State};

const KEY: &str = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.signature";

/// supabase-js as npm has it, kept between runs; none where Node is not there.
fn client() -> Option<PathBuf> {
    let present = |name: &str| Command::new(name).arg("--version").output().is_ok();
    if !present("node") || !present("npm") {
        eprintln!("no node and npm here: supabase-js was not compared with");
        return None;
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    let manifest = std::fs::read_to_string(tests.join("package.json")).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("supabase-js-2.109.0");
    if !folder.join("installed").exists() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("package.json"), &manifest).unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
        let output = npm.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "this test needs the npm registry: {said}");
        std::fs::write(folder.join("installed"), "").unwrap();
    }
    // Beside node_modules, where Node looks for packages.
    std::fs::copy(tests.join("chains.mjs"), folder.join("chains.mjs")).unwrap();
    Some(folder.join("chains.mjs"))
}

/// Results of supabase-js.
async fn theirs(script: PathBuf, url: String, chains: &[Value]) -> Vec<Value> {
    let input = json!({"url": url, "key": KEY, "chains": chains}).to_string();
    let work = move || {
        let mut node = Command::new("node");
        node.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = node.spawn()?;
        child.stdin.take().unwrap().write_all(input.as_bytes())?;
        child.wait_with_output()
    };
    let output = tokio::task::spawn_blocking(work).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"))
}

async fn project(url: &str) -> axum::Router {
    let store = tasker_store::connect("sqlite::memory:").await.unwrap();
    let forward = Forward::at(url, KEY.into(), None, Duration::from_millis(1)).unwrap();
    mounted(State::new(store).forwarding(forward))
}

/// Answers that the parts of a project give.
fn answers(request: &Recorded, _: usize) -> Response {
    let object = json!({
        "id": "u1", "created_at": "now", "nested_part": [{"some_name": 1}], "action_link": "a",
        "email_otp": "1", "hashed_token": "h", "redirect_to": "r", "verification_type": "v",
        "url": "/object/upload/sign/b/a.txt?token=tok", "signedURL": "/object/sign/b/a?token=t t",
        "Id": "i", "Key": "b/a.txt", "users": [], "providers": [{"name": "n"}],
    });
    let list = request.path == "/storage/v1/object/sign/my%20bucket";
    match request.path.as_str() {
        path if path.starts_with("/rest/v1/") => json_answer(&json!([])),
        _ if list => json_answer(
            &json!([{"path": "a", "signedURL": "/x?token=1"}, {"path": "b", "signedURL": null}]),
        ),
        _ => json_answer(&object),
    }
}

#[tokio::test]
async fn requests_are_the_same() {
    let Some(script) = client() else { return };
    let recorder = Recorder::start(answers).await;
    let mut chains: Vec<Value> =
        cases::all().into_iter().filter(|c| c.in_js).map(|c| c.links).collect();
    chains.extend(cases::project::all());
    let their_results = theirs(script, format!("{}/a", recorder.url), &chains).await;
    let their_requests = recorder.take();

    let app = project(&format!("{}/b", recorder.url)).await;
    let mut wrong = Vec::new();
    let mut at = 0;
    for (links, theirs) in chains.iter().zip(&their_results) {
        let result = run(&app, links).await;
        let sent = recorder.take();
        for (i, ours) in sent.iter().map(meaning).enumerate() {
            let theirs = their_requests.get(at + i).map(meaning).unwrap_or_default();
            if ours != theirs {
                wrong.push(format!("{links}\n  ours   {ours}\n  theirs {theirs}"));
            }
        }
        at += sent.len();
        // A file is a Blob there, and JSON here; an address has the name of its server's prefix.
        let same = |v: &Value| v.to_string().replace("/a/storage", "/b/storage");
        if !links.to_string().contains("download\",") && same(theirs) != same(&result) {
            wrong.push(format!("{links}\n  ours   {result}\n  theirs {theirs}"));
        }
    }
    assert_eq!(at, their_requests.len(), "as many requests");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), chains.len(), wrong.join("\n"));
    assert!(at > 150, "{at} requests compared");
    eprintln!("{at} requests and {} results are the same as supabase-js's", chains.len());
}

/// The table's name says what is answered.
fn odd_answers(request: &Recorded, _: usize) -> Response {
    let json = [("content-type", "application/json"), ("content-range", "0-1/57")];
    let name = request.path.trim_start_matches("/rest/v1/").trim_start_matches("rpc/");
    let error = r#"{"code":"23505","details":"d","hint":null,"message":"m"}"#;
    match name.split('?').next().unwrap_or_default() {
        "rows" => answer(206, &json, r#"[{"a":1.50},{"a":2}]"#),
        "one" => answer(200, &json, r#"[{"a":1}]"#),
        "object" => answer(200, &json, r#"{"a":1}"#),
        "none" => answer(200, &json, "[]"),
        "text" => answer(200, &json, "a,b\n1,2"),
        "odd" => answer(200, &json, "<html>"),
        "gone" => answer(204, &json, ""),
        "made" => answer(201, &json, ""),
        "conflict" => answer(409, &json, error),
        "missing" => answer(404, &json, ""),
        "array" => answer(404, &json, "[]"),
        "broken" => answer(500, &json, "oops"),
        "several" => answer(300, &json, error),
        _ => answer(401, &json, r#"{"message":"no"}"#),
    }
}

#[tokio::test]
async fn results_are_the_same() {
    let Some(script) = client() else { return };
    let recorder = Recorder::start(odd_answers).await;
    let tables = [
        "rows", "one", "object", "none", "text", "odd", "gone", "made", "conflict", "missing",
        "array", "broken", "several", "other",
    ];
    let mut chains = Vec::new();
    for table in tables {
        let from = json!(["from", table]);
        chains.push(json!([from, ["select", "*", {"count": "exact"}]]));
        chains.push(json!([from, ["select"], ["maybeSingle"]]));
        chains.push(json!([from, ["select"], ["single"]]));
        chains.push(json!([from, ["select"], ["csv"]]));
        chains.push(json!([from, ["select", "*", {"count": "planned", "head": true}]]));
        chains.push(json!([from, ["insert", {"a": 1}]]));
        chains.push(
            json!([from, ["update", {"a": 1}, {"count": "exact"}], ["eq", "a", 1], ["select"]]),
        );
        chains.push(json!([from, ["select"], ["explain"]]));
        chains.push(json!([["rpc", table]]));
    }
    let their_results = theirs(script, format!("{}/a", recorder.url), &chains).await;
    let app = project(&format!("{}/b", recorder.url)).await;
    let mut wrong = Vec::new();
    for (links, theirs) in chains.iter().zip(&their_results) {
        let ours = run(&app, links).await;
        if ours != *theirs {
            wrong.push(format!("{links}\n  ours   {ours}\n  theirs {theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), chains.len(), wrong.join("\n"));
}
