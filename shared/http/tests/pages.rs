//! Without keys: what a page of another machine tries from the developer's own browser.

use std::net::SocketAddr;

use axum::response::IntoResponse as _;
use tasker_http::{Direct, Gate, GateArgs, serve_behind};

use crate::common::{LOOPBACK, SERVICES, config, every_key, services};

async fn start(args: GateArgs) -> SocketAddr {
    tasker_http::install_crypto();
    let gate = Gate::new(&args, LOOPBACK).unwrap();
    let direct =
        Direct::default().with("deno-executor", "/resume", async |_, body| body.into_response());
    let listener = tokio::net::TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_behind(listener, (services(), direct), gate, std::future::pending()));
    address
}

/// Status, code, and whether a page could read the answer.
async fn ask(
    at: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, String, bool) {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let mut request = reqwest::Client::new().request(method, format!("http://{at}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body("{}").send().await.unwrap();
    let readable = answer.headers().contains_key("access-control-allow-origin");
    let status = answer.status().as_u16();
    let body: serde_json::Value = answer.json().await.unwrap_or_default();
    (status, body["code"].as_str().unwrap_or_default().to_owned(), readable)
}

const EVIL: (&str, &str) = ("origin", "https://evil.example");
const PLAIN: (&str, &str) = ("content-type", "text/plain");

fn paths() -> Vec<String> {
    let mut paths = vec!["/".to_owned(), "/_internal/health".to_owned(), "/nothing".to_owned()];
    for service in SERVICES {
        for path in ["", "/", "/json", "/execute", "/openapi.json"] {
            paths.push(format!("/functions/v1/{service}{path}"));
            paths.push(format!("/{service}{path}"));
        }
    }
    paths
}

#[tokio::test]
async fn no_foreign_page_reaches_any_route() {
    let at = start(config("[functions]\n# pages")).await;
    let cross = ("sec-fetch-site", "cross-site");
    let rebound = ("host", "evil.example");
    for path in paths() {
        for (method, headers) in [
            ("POST", vec![EVIL, PLAIN]),
            ("GET", vec![EVIL]),
            ("OPTIONS", vec![EVIL, ("access-control-request-method", "POST")]),
            ("POST", vec![("origin", "null")]),
            ("GET", vec![cross, ("sec-fetch-mode", "no-cors")]),
            ("POST", vec![cross, ("sec-fetch-mode", "navigate")]),
            ("POST", vec![rebound, ("origin", "http://evil.example")]),
            ("GET", vec![rebound]),
        ] {
            let seen = ask(at, method, &path, &headers).await;
            assert_eq!(seen, (403, "FOREIGN_PAGE".into(), false), "{method} {path} {headers:?}");
        }
    }
    // Marked as what services send each other, which passes no layer.
    let marked = [("x-tasker-direct", "1"), EVIL];
    let seen = ask(at, "POST", "/functions/v1/deno-executor/resume", &marked).await;
    assert_eq!(seen.0, 403);
}

#[tokio::test]
async fn pages_of_this_machine_and_programs_do() {
    let mut args = config("[functions]\n# pages");
    args.dev_origins = vec!["https://studio.example:3000".into()];
    let at = start(args).await;
    for headers in [
        vec![],
        vec![("origin", "http://localhost:3000")],
        vec![("origin", "https://studio.example:3000")],
        vec![("host", "localhost:54321"), ("sec-fetch-site", "same-site")],
        vec![("x-tasker-direct", "1")],
    ] {
        for path in ["/functions/v1/tasks/json", "/functions/v1/deno-executor/resume"] {
            assert_eq!(ask(at, "POST", path, &headers).await.0, 200, "{path} {headers:?}");
        }
    }
    let asks = [("origin", "http://localhost:3000"), ("access-control-request-method", "POST")];
    assert_eq!(ask(at, "OPTIONS", "/functions/v1/tasks", &asks).await, (200, String::new(), true));
}

/// The control: with keys it is the keys that say who may call, from whichever page.
#[tokio::test]
async fn with_keys_pages_are_the_callers_affair() {
    let at = start(every_key()).await;
    let (status, code, readable) = ask(at, "POST", "/functions/v1/tasks/json", &[EVIL]).await;
    assert_eq!((status, readable), (401, true), "{code}");
}
