//! A server that remembers what it was sent.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    response::Response,
};
use serde_json::{Value, json};

/// A request.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: String,
    /// Path and query, without the prefix.
    pub path: String,
    pub headers: http::HeaderMap,
    pub body: String,
}

/// The server: everything below `/a` and `/b` is one project.
#[derive(Clone)]
pub struct Recorder {
    pub url: String,
    seen: Arc<Mutex<Vec<Recorded>>>,
}

/// What it answers.
pub type Answers = fn(&Recorded, usize) -> Response;

impl Recorder {
    /// Starts it; it ends with the test's runtime.
    pub async fn start(answers: Answers) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Recorded>>> = Arc::default();
        let keep = seen.clone();
        let routes = Router::new().fallback(async move |request: Request| {
            let (parts, body) = request.into_parts();
            let bytes = to_bytes(body, 1 << 24).await.unwrap();
            let path = parts.uri.path_and_query().unwrap().as_str();
            let recorded = Recorded {
                method: parts.method.to_string(),
                path: below(path).to_owned(),
                headers: parts.headers,
                body: String::from_utf8_lossy(&bytes).into_owned(),
            };
            let before = {
                let mut seen = keep.lock().unwrap();
                seen.push(recorded.clone());
                seen.len() - 1
            };
            answers(&recorded, before)
        });
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, seen }
    }

    /// What it was sent, and forgets it.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// A path without the project's prefix.
fn below(path: &str) -> &str {
    let prefixes = ["/a/", "/b/"];
    if prefixes.iter().any(|p| path.starts_with(p)) { &path[2..] } else { path }
}

/// An answer.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from(body.to_owned())).unwrap()
}

/// A JSON answer.
pub fn json_answer(body: &Value) -> Response {
    let links =
        "<http://x/?page=2&per_page=1>; rel=\"next\", <http://x/?page=5&per_page=1>; rel=\"last\"";
    let headers = [
        ("content-type", "application/json"),
        ("x-total-count", "5"),
        ("link", links),
        ("content-range", "0-0/57"),
    ];
    answer(200, &headers, &body.to_string())
}

/// The headers that a server acts upon.
pub fn meaning(recorded: &Recorded) -> Value {
    let names = [
        "accept",
        "accept-profile",
        "content-profile",
        "content-type",
        "prefer",
        "apikey",
        "authorization",
        "x-mine",
        "x-upsert",
        "cache-control",
        "x-metadata",
        "x-supabase-api-version",
    ];
    let one = |name: &&str| {
        let value = recorded.headers.get(*name)?.to_str().ok()?;
        // The client asks for anything, we do not ask at all.
        (value != "*/*").then(|| ((*name).to_owned(), json!(value)))
    };
    let headers: serde_json::Map<String, Value> = names.iter().filter_map(one).collect();
    json!({"method": recorded.method, "path": recorded.path, "headers": headers, "body": recorded.body})
}
