//! Private addresses are not reached, however they are spelled, redirected to or resolved.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    Router, body::Body, extract::State as Shared, http::Request, response::IntoResponse,
    routing::any,
};
use clap::Parser;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use wrappedfetch::{FetchArgs, Lookup, State, SystemLookup, router};

/// Hosts that are this machine: the canary is behind each of them.
const LOOPBACK: [&str; 33] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "127.1.",
    "2130706433",
    "2130706433.",
    "0x7f000001",
    "0X7F000001",
    "0x7f.1",
    "0x7f.0.0.1",
    "0x7f.0x0.0x0.0x1",
    "0177.1",
    "0177.0.0.1",
    "0177.00.00.01",
    "00000177.0.0.1",
    "017700000001",
    "127.0.0.0x1",
    "127.0x1",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "１２７.０.０.１",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "127．0．0．1",
    "localhost",
    "LocalHost",
    "ｌｏｃａｌｈｏｓｔ",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[0000:0000:0000:0000:0000:FFFF:7F00:0001]",
    "127.0.0.2",
];

/// More that are this machine, or another one that is nobody's business.
const PRIVATE: [&str; 42] = [
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000::0001]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "0.0.0.0",
    "0",
    "0x0",
    "00",
    "0.0.0.0.",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.169.254.",
    "0xa9fea9fe",
    "0xa9.0xfe.0xa9.0xfe",
    "2852039166",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "100.100.100.200",
    "168.63.129.16",
    "10.0.0.1",
    "012.1",
    "172.16.0.1",
    "192.168.0.1",
    "192.168.257",
    "198.18.0.1",
    "255.255.255.255",
    "localhost.",
];

/// URLs whose host is not where it seems to be.
const MISLEADING: [&str; 9] = [
    "http://example.com@127.0.0.1:PORT/",
    "http://example.com:80@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT#@example.com/",
    "http://127.0.0.1:PORT?@example.com/",
    "http://127.0.0.1:PORT\\@example.com/",
    "http:\\\\127.0.0.1:PORT\\",
    "http:127.0.0.1:PORT/",
    "http:/127.0.0.1:PORT/",
    " http://127.0.0.1:PORT/ ",
];

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    fetch: FetchArgs,
}

fn service(allow_private: &str, lookup: Arc<dyn Lookup>) -> Router {
    let args =
        ["test", "--fetch-allow-private", allow_private, "--fetch-connect-timeout-ms", "500"];
    router(State::with_lookup(&Args::parse_from(args).fetch, lookup).unwrap())
}

/// Fetches; the status the target answered, or the code of the failure.
async fn fetch(service: &Router, url: &str) -> Result<u64, String> {
    let body = json!({ "method": "GET", "args": [{ "url": url }] }).to_string();
    let request = Request::post("/").body(Body::from(body)).unwrap();
    let reply = service.clone().oneshot(request).await.unwrap();
    let body = reply.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    body["status"].as_u64().ok_or_else(|| body["error"]["code"].as_str().unwrap().to_owned())
}

/// Counts who reaches it. `/to?URL` redirects there.
async fn canary(address: &str) -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let reached = Arc::new(AtomicU32::new(0));
    let answer = |Shared(reached): Shared<Arc<AtomicU32>>, uri: axum::http::Uri| async move {
        reached.fetch_add(1, Ordering::SeqCst);
        let close = [("connection", "close")];
        match uri.query() {
            Some(to) => (axum::http::StatusCode::FOUND, close, [("location", to.to_owned())])
                .into_response(),
            None => (close, "you reached me").into_response(),
        }
    };
    let routes = Router::new().fallback(any(answer)).with_state(reached.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (address, reached)
}

fn urls(port: u16) -> Vec<String> {
    let hosts = LOOPBACK.iter().chain(&PRIVATE).map(|host| format!("http://{host}:{port}/"));
    hosts.chain(MISLEADING.iter().map(|url| url.replace("PORT", &port.to_string()))).collect()
}

/// Every address of the machine leads to it.
async fn everywhere() -> (u16, Arc<AtomicU32>) {
    let (address, reached) = canary("[::]:0").await;
    (address.port(), reached)
}

#[tokio::test]
async fn no_spelling_of_a_private_address_is_reached() {
    let (port, reached) = everywhere().await;
    let service = service("", Arc::new(SystemLookup));
    for url in urls(port) {
        let refused = fetch(&service, &url).await.expect_err(&url);
        let known = ["AddressNotAllowed", "BadUrl", "NameNotFound"];
        assert!(known.contains(&refused.as_str()), "{url}: {refused}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0, "the canary was reached");
    println!("{} spellings refused", urls(port).len());
}

#[tokio::test]
async fn the_same_spellings_are_reached_when_they_are_allowed() {
    let (port, reached) = everywhere().await;
    let allow = format!("127.0.0.0/8:{port},[::1]:{port}");
    let service = service(&allow, Arc::new(SystemLookup));
    for (n, host) in LOOPBACK.iter().chain(&PRIVATE[..3]).enumerate() {
        let url = format!("http://{host}:{port}/");
        assert_eq!(fetch(&service, &url).await, Ok(200), "{url}");
        assert_eq!(reached.load(Ordering::SeqCst) as usize, n + 1, "{url}");
    }
    // What is allowed is that port of that machine, and nothing more.
    let (other, untouched) = canary("127.0.0.1:0").await;
    let refused = fetch(&service, &format!("http://{other}/")).await;
    assert_eq!((refused, untouched.load(Ordering::SeqCst)), (Err("AddressNotAllowed".into()), 0));
}

#[tokio::test]
async fn redirects_to_private_addresses_are_refused() {
    let (from, asked) = canary("127.0.0.1:0").await;
    let (port, reached) = everywhere().await;
    let service = service(&from.to_string(), Arc::new(SystemLookup));
    let all = urls(port);
    for url in &all {
        // As a header can carry it.
        let Ok(to) = url::Url::parse(url) else { continue };
        let refused = fetch(&service, &format!("http://{from}/to?{to}")).await;
        let known = ["AddressNotAllowed", "RedirectNotAllowed", "NameNotFound"];
        assert!(refused.as_ref().is_err_and(|r| known.contains(&r.as_str())), "{url}: {refused:?}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0, "the canary was reached");
    assert!(asked.load(Ordering::SeqCst) as usize >= all.len() - 5);
    // The twin: a redirect to what is allowed arrives.
    assert_eq!(fetch(&service, &format!("http://{from}/to?http://{from}/")).await, Ok(200));
}

/// Answers the next of its lists each time it is asked.
struct Changing {
    answers: Vec<Vec<&'static str>>,
    asked: AtomicU32,
}

impl Lookup for Changing {
    fn lookup(
        &self,
        _: String,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + '_>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst) as usize % self.answers.len();
        let answer =
            self.answers[turn].iter().map(|a| SocketAddr::new(a.parse().unwrap(), port)).collect();
        Box::pin(async move { Ok(answer) })
    }
}

fn changing(answers: &[&[&'static str]]) -> Arc<Changing> {
    let answers = answers.iter().map(|a| a.to_vec()).collect();
    Arc::new(Changing { answers, asked: AtomicU32::new(0) })
}

#[tokio::test]
async fn names_of_private_addresses_are_refused() {
    let (address, reached) = canary("127.0.0.1:0").await;
    let url = format!("http://innocent.test:{}/", address.port());
    for answer in [
        &["127.0.0.1"][..],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["169.254.169.254"],
        // One good address does not make up for a bad one.
        &["1.1.1.1", "127.0.0.1"],
        &["127.0.0.1", "1.1.1.1"],
    ] {
        let service = service("", changing(&[answer]));
        assert_eq!(fetch(&service, &url).await, Err("AddressNotAllowed".into()), "{answer:?}");
    }
    assert_eq!(fetch(&service("", changing(&[&[]])), &url).await, Err("NameNotFound".into()));
    assert_eq!(reached.load(Ordering::SeqCst), 0);
    let allowed = service(&address.to_string(), changing(&[&["127.0.0.1"]]));
    assert_eq!(fetch(&allowed, &url).await, Ok(200));
}

/// A name that is a good address when it is checked and a bad one when it is used: the address
/// that was checked is the one that is used, since it is looked up once.
#[tokio::test]
async fn a_name_that_changes_its_mind_is_checked_each_time() {
    let (good, asked) = canary("127.0.0.1:0").await;
    let (_, reached) = canary(&format!("127.0.0.2:{}", good.port())).await;
    let names = changing(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let service = service(&good.to_string(), names.clone());
    let url = format!("http://rebinding.test:{}/", good.port());
    let mut outcomes = [0, 0];
    for _ in 0..40 {
        match fetch(&service, &url).await {
            Ok(200) => outcomes[0] += 1,
            Err(code) if code == "AddressNotAllowed" => outcomes[1] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(outcomes, [20, 20], "one lookup for each connection");
    assert_eq!(names.asked.load(Ordering::SeqCst), 40);
    // In the middle of a request: the name redirects to itself and means another machine then.
    let itself = fetch(&service, &format!("{url}to?{url}")).await;
    assert_eq!(itself, Err("AddressNotAllowed".into()));
    assert_eq!((reached.load(Ordering::SeqCst), asked.load(Ordering::SeqCst)), (0, 21));
}
