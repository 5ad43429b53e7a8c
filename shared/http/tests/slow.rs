//! Clients that take their time, many of them, and the stop signal meanwhile.

use crate::common;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use common::{
    SECRET_KEY, app, every_key,
    raw::{Socket, exchange, post, statuses},
    services, start,
};
use tokio::time::sleep;

/// The promised 15 seconds, and what a busy machine adds.
const CUT: Duration = Duration::from_millis(17_500);
const SECOND: Duration = Duration::from_secs(1);

fn body_head(length: usize) -> String {
    post("/tasks/bytes", &format!("apikey: {SECRET_KEY}\r\n"), "")
        .replace("content-length: 0", &format!("content-length: {length}"))
}

/// Sends `first`, then one byte of `rest` a second; answers what came, and when it ended.
async fn dribble(to: SocketAddr, first: String, rest: &str) -> (String, Option<Duration>) {
    let started = Instant::now();
    let mut socket = Socket::open(to).await;
    socket.write(first).await;
    let mut rest = rest.bytes().cycle();
    let mut heard = String::new();
    while started.elapsed() < CUT {
        if let Some(byte) = rest.next() {
            socket.write([byte]).await;
        }
        let (text, closed) = socket.within(SECOND).await;
        heard += &text;
        if closed {
            return (heard, Some(started.elapsed()));
        }
    }
    (heard, None)
}

fn slow_ones() -> [(&'static str, String, &'static str); 6] {
    let head = || format!("POST /tasks/bytes HTTP/1.1\r\nhost: x\r\napikey: {SECRET_KEY}\r\n");
    [
        ("silent from the start", String::new(), ""),
        ("half a preface of HTTP/2", "PRI * HTTP/2.0".to_owned(), ""),
        ("a header a byte a second", head() + "x-slow: ", "a"),
        ("a path a byte a second", "GET /".to_owned(), "a"),
        ("a body that stalls", body_head(100) + "x", ""),
        ("a body a byte a second", body_head(1000), "x"),
    ]
}

async fn try_all(to: SocketAddr) -> Vec<(&'static str, String, Option<Duration>)> {
    let mut all = tokio::task::JoinSet::new();
    for (name, first, rest) in slow_ones() {
        all.spawn(async move {
            let (text, ended) = dribble(to, first, rest).await;
            (name, text, ended)
        });
    }
    all.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_are_cut() {
    let to = start(app(&every_key())).await;
    for (name, text, ended) in try_all(to).await {
        println!("{name}: {ended:?} {:?}", statuses(&text));
        assert!(ended.is_some(), "{name} is still there");
        assert!(!text.contains("HTTP/1.1 5") && !text.contains("HTTP/1.1 200"), "{name}: {text}");
        if name.contains("body") {
            assert_eq!(statuses(&text), [408], "{name}: {text}");
            assert!(text.contains("\"code\":\"REQUEST_TIMEOUT\""), "{text}");
        }
    }
}

/// Without timers slow clients hold a server for as long as they like.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_timers_keeps_them() {
    let listener = tokio::net::TcpListener::bind((common::LOOPBACK, 0)).await.unwrap();
    let to = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, services()).await });
    for (name, _, ended) in try_all(to).await {
        assert_eq!(ended, None, "{name}");
    }
}

/// Slow, but not standing still.
#[tokio::test]
async fn honest_slow_clients_are_served() {
    let to = start(app(&every_key())).await;
    let mut socket = Socket::open(to).await;
    let request = body_head(30) + &"x".repeat(30);
    let mut pieces = request.as_bytes().chunks(request.len().div_ceil(6)).peekable();
    while let Some(piece) = pieces.next() {
        assert!(socket.write(piece).await);
        if pieces.peek().is_some() {
            sleep(Duration::from_millis(1_500)).await;
        }
    }
    assert_eq!(statuses(&socket.rest().await), [200]);
}

/// Time of each of `count` requests by one good client, sorted.
async fn good_client(to: SocketAddr, count: usize) -> Vec<Duration> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut times = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        let request = client.post(format!("http://{to}/tasks/json")).header("apikey", SECRET_KEY);
        assert_eq!(request.body("{}").send().await.unwrap().status(), 200);
        times.push(started.elapsed());
    }
    times.sort();
    times
}

fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    line.trim().split(' ').next().unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_idle_sockets() {
    let id = std::process::id().to_string();
    let limit =
        std::process::Command::new("prlimit").args(["--pid", &id, "--nofile=4096"]).status();
    assert!(limit.is_ok_and(|s| s.success()), "the limit of open files cannot be raised");
    let to = start(app(&every_key())).await;
    good_client(to, 50).await;
    let (before, memory_before) = (good_client(to, 500).await, memory());
    let mut sockets = Vec::new();
    for n in 0..500 {
        let mut socket = Socket::open(to).await;
        // Some say nothing, some half a request, some are between two requests.
        let starts = ["", "GET /tasks HT", "GET /tasks/health HTTP/1.1\r\nhost: x\r\n\r\n"];
        socket.write(starts[n % 3]).await;
        sockets.push(socket);
    }
    let during = good_client(to, 500).await;
    let more = memory().saturating_sub(memory_before);
    let p99 = |times: &[Duration]| times[times.len() * 99 / 100];
    println!("p99 {:?} alone, {:?} beside 500; {more} bytes more", p99(&before), p99(&during));
    // Below some milliseconds it is the scheduler that is measured.
    let floor = Duration::from_millis(10);
    assert!(p99(&during) <= 2 * p99(&before).max(floor), "{:?}", p99(&during));
    assert!(more < 64 << 20);
    let started = Instant::now();
    for mut socket in sockets {
        let left = (2 * CUT).saturating_sub(started.elapsed());
        assert!(socket.within(left).await.1, "an idle socket was kept");
    }
    println!("all closed after {:?}", started.elapsed());
    assert_eq!(good_client(to, 10).await.len(), 10);
}

/// At the stop signal the open request ends well, and idle connections hold nothing up.
#[tokio::test]
async fn the_drain_waits_for_requests_only() {
    let listener = tokio::net::TcpListener::bind((common::LOOPBACK, 0)).await.unwrap();
    let to = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let routes = app(&every_key());
    let served = tokio::spawn(tasker_http::serve(listener, routes, async { drop(stopped.await) }));
    let idle = [Socket::open(to).await, Socket::open(to).await];
    let request = post("/tasks/slow", &format!("apikey: {SECRET_KEY}\r\n"), "");
    let open = tokio::spawn(exchange(to, request));
    let client = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let url = format!("http://{to}/tasks/slow");
    let second = tokio::spawn(client.post(url).header("apikey", SECRET_KEY).send());
    sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    stop.send(()).unwrap();
    assert_eq!(statuses(&open.await.unwrap()), [200]);
    assert_eq!(second.await.unwrap().unwrap().status(), 200);
    served.await.unwrap();
    println!("drained in {:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(tokio::net::TcpStream::connect(to).await.is_err());
    drop(idle);
}
