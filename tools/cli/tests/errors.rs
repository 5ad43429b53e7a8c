//! What a person sees when something is wrong, from the real binary over real sockets.
#![expect(
    clippy::unwrap_used,
    reason = "a test may panic; the lint only knows of #[test] functions"
)]

mod support;

use std::net::TcpListener;

use axum::{Json, Router, http::StatusCode, response::Html, routing::get, routing::post};
use serde_json::json;
use support::{serve, stderr, tasker};

#[test]
fn nobody_at_home_says_where_and_how_to_start() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/functions/v1");
    let output = tasker(&url, &["gmail-search"]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    for expected in [&format!("{url}/tasks/execute"), "refused", "make dev"] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[test]
fn an_unknown_task_lists_the_known_ones() {
    let body = json!({ "success": false, "error": "no task 'nope' is published", "tasks": ["hello-task"] });
    let answer = || async { (StatusCode::NOT_FOUND, Json(body)) };
    let url = serve(Router::new().route("/tasks/execute", post(answer)));
    let output = tasker(&url, &["submit", "nope"]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("404: no task 'nope' is published (published: hello-task)"), "{text}");
}

#[test]
fn a_refusal_with_status_200_is_a_refusal() {
    let answer = || async { Json(json!({ "success": false, "error": "Method not allowed" })) };
    let url = serve(Router::new().route("/tasks/list", get(answer)));
    let output = tasker(&url, &["list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("Method not allowed"), "{}", stderr(&output));
}

#[test]
fn a_gateways_html_page_is_shown_with_its_status() {
    let answer = || async { (StatusCode::FORBIDDEN, Html("<h1>go away</h1>")) };
    let url = serve(Router::new().route("/tasks/status/7", get(answer)));
    let output = tasker(&url, &["status", "7"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("403: <h1>go away</h1>"), "{}", stderr(&output));
}

#[test]
fn a_secret_is_read_from_a_file_and_never_printed() {
    let echo = |Json(body): Json<serde_json::Value>| async move {
        let expected =
            json!({ "action": "setKey", "namespace": "default", "key": "K", "value": "s3cret" });
        if body == expected {
            (
                StatusCode::OK,
                Json(json!({ "success": true, "data": { "success": true, "data": true } })),
            )
        } else {
            (StatusCode::BAD_REQUEST, Json(json!({ "error": "other body" })))
        }
    };
    let url = serve(Router::new().route("/wrappedkeystore", post(echo)));
    let file = std::env::temp_dir().join(format!("tasker-cli-secret-{}", std::process::id()));
    std::fs::write(&file, "s3cret\n").unwrap();
    let output = tasker(&url, &["keystore", "set", "K", &format!("@{}", file.display())]);
    std::fs::remove_file(&file).unwrap();
    let all = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{all}");
    assert!(all.contains("6 bytes") && !all.contains("s3cret"), "{all}");
}

#[test]
fn a_misspelt_option_is_a_usage_error() {
    let output = tasker("http://127.0.0.1:9", &["gmail-search", "--maxUsers", "3"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--maxUsers"), "{}", stderr(&output));
}
