//! The front door of the real processes: each of them asks for keys, and no client's mistake is a
//! fault of ours, at any operation that a service's own document names.

#[allow(dead_code, reason = "shared with the tests of the HTTP plumbing")]
#[path = "../../http/tests/common/raw.rs"]
mod raw;

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tasker_core::call::SERVICES;
use tasker_testkit::{
    pg::{Database, Server},
    stack::{Shape, Stack},
};

use self::raw::{exchange, post, statuses};
use crate::supabase::{self, Keys};

struct World {
    keys: Keys,
    stack: Stack,
    _database: Database,
    _server: Server,
}

impl World {
    async fn start(name: &str) -> anyhow::Result<Self> {
        let server = Server::obtain()?;
        let database = server.database().await?;
        let keys = Keys::new();
        let shape = Shape::Six(database.url().to_owned());
        let stack = Stack::start(shape, &supabase::folder(name), &keys.env()).await?;
        Ok(Self { keys, stack, _database: database, _server: server })
    }

    /// Where a service itself listens, and its mount point; the gateway for `None`.
    fn at(&self, service: &str, gateway: bool) -> (SocketAddr, String) {
        let url = if gateway {
            format!("{}/{service}", self.stack.url)
        } else {
            self.stack.service(service).unwrap()
        };
        let url = reqwest::Url::parse(&url).unwrap();
        (url.socket_addrs(|| None).unwrap()[0], url.path().to_owned())
    }
}

/// Memory of a process, bytes.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    line.trim().split(' ').next().unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn every_process_asks_for_keys() {
    let world = World::start("front-door-keys").await.unwrap();
    let shown = |name: &str| world.keys.all()[name].as_str().unwrap().to_owned();
    let service = shown("service_role");
    let parts: Vec<&str> = service.split('.').collect();
    let hostile = [
        ("nothing", String::new()),
        ("a word", "service_role".to_owned()),
        ("unsigned", format!("eyJhbGciOiJub25lIn0.{}.", parts[1])),
        ("the header of another", format!("eyJhbGciOiJIUzM4NCJ9.{}.{}", parts[1], parts[2])),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        (
            "claims of another",
            format!("{}.{}.{}", parts[0], parts[1], shown("anon").rsplit('.').next().unwrap()),
        ),
        ("expired", shown("expired")),
        ("a secret key of another project", "sb_secret_of_another_project_0123".to_owned()),
    ];
    let client = reqwest::Client::new();
    let ask = async |to: (SocketAddr, String), key: &str, bearer: bool| {
        let request = client.post(format!("http://{}{}", to.0, to.1)).body("{}");
        let request = match bearer {
            true => request.header("authorization", format!("Bearer {key}")),
            false => request.header("apikey", key),
        };
        request.send().await.unwrap().status().as_u16()
    };
    let mut refused = 0;
    for (name, gateway) in SERVICES.iter().flat_map(|s| [(s, false), (s, true)]) {
        for (what, token) in &hostile {
            for bearer in [false, true] {
                let status = ask(world.at(name, gateway), token, bearer).await;
                assert_eq!(status, 401, "{name}: {what}");
                refused += 1;
            }
        }
        // Those that are known and too little; and the twin that is enough.
        let too_little = if *name == "tasks" { 400 } else { 403 };
        for key in ["publishable", "anon", "user"] {
            assert_eq!(ask(world.at(name, gateway), &shown(key), true).await, too_little, "{name}");
        }
        for key in ["secret", "service_role"] {
            let status = ask(world.at(name, gateway), &shown(key), key != "secret").await;
            assert!(status != 401 && status != 403 && status < 500, "{name}: {key}: {status}");
        }
    }
    println!("{refused} hostile requests at 7 processes and their gateway, 0 let in");
}

fn silent_about_itself(world: &World, answer: &str) {
    let words = ["panicked", ".rs:", "/src/", "select ", "backtrace", "stack trace"];
    for word in words.into_iter().chain([world.keys.secret()]) {
        assert!(!answer.contains(word), "{word} in {answer}");
    }
}

/// Paths that take a POST, by each service's own document.
async fn operations(world: &World, service: &str) -> Vec<String> {
    let url = format!("{}/{service}/openapi.json", world.stack.url);
    let document: Value =
        serde_json::from_slice(&reqwest::get(url).await.unwrap().bytes().await.unwrap()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    paths.iter().filter(|(_, o)| o.get("post").is_some()).map(|(p, _)| p.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mistake_of_a_client_is_a_fault_of_ours() {
    let world = World::start("front-door-abuse").await.unwrap();
    let key = format!("apikey: {}\r\n", world.keys.secret());
    let deep = "[".repeat(100_000);
    let bodies: [(&str, &str, &[u8]); 9] = [
        ("truncated", "", b"{\"a\":"),
        ("a word", "", b"hello"),
        ("two values", "", b"{} {}"),
        ("a list", "", b"[]"),
        ("invalid UTF-8", "", b"{\"a\":\"\xff\xfe\"}"),
        ("a byte order mark", "", b"\xef\xbb\xbf{}"),
        ("another type", "content-type: text/csv\r\n", b"a,b\r\n1,2"),
        ("100,000 levels", "", deep.as_bytes()),
        ("packed", "content-encoding: gzip\r\n", b"\x1f\x8b\x08"),
    ];
    let before: Vec<u64> = world.stack.processes.iter().map(|p| resident(p.id())).collect();
    let mut asked = 0;
    for service in SERVICES {
        let mut paths = operations(&world, service).await;
        // `GET /x`'s twin that only says how to ask takes any POST.
        paths.retain(|p| p != "/health");
        assert!(!paths.is_empty(), "{service} takes nothing");
        for path in paths {
            let (to, mount) = world.at(service, false);
            let path = format!("{mount}{}", path.replace("{id}", "1"));
            for (what, headers, body) in &bodies {
                let length = format!("content-length: {}\r\n", body.len());
                let text = post(&path, &format!("{key}{headers}"), "");
                let mut bytes = text.replace("content-length: 0\r\n", &length).into_bytes();
                bytes.extend_from_slice(body);
                let answer = exchange(to, bytes).await;
                let seen = statuses(&answer);
                let fine = seen.len() == 1 && (400..500).contains(&seen[0]);
                assert!(fine && answer.contains("\"error\":"), "{path}: {what}: {answer}");
                silent_about_itself(&world, &answer);
                asked += 1;
            }
        }
        heads(&world, service, &key).await;
    }
    for (process, before) in world.stack.processes.iter().zip(before) {
        let more = resident(process.id()).saturating_sub(before);
        assert!(more < 64 << 20, "{} grew by {more} bytes", process.name);
    }
    println!("{asked} bad bodies at every operation: 0 faults");
}

/// Heads that nobody means, at the service itself and at the gateway.
async fn heads(world: &World, service: &str, key: &str) {
    for gateway in [false, true] {
        let (to, path) = world.at(service, gateway);
        let head = |more: &str| {
            format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{key}{more}\r\n")
        };
        let query = "p=1&".repeat(10_000);
        let long =
            format!("GET {path}/health?{query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let cases = [
            ("100 KB of headers", head(&format!("x-big: {}\r\n", "a".repeat(100_000)))),
            ("two lengths", head("content-length: 1\r\ncontent-length: 2\r\n") + "xx"),
            (
                "both ways of length",
                head("content-length: 4\r\ntransfer-encoding: chunked\r\n") + "0\r\n\r\n",
            ),
            ("a chunk that is a word", head("transfer-encoding: chunked\r\n") + "many\r\nx"),
            ("10,000 parameters", long),
        ];
        for (what, bytes) in cases {
            let answer = tokio::time::timeout(Duration::from_secs(20), exchange(to, bytes));
            let answer = answer.await.unwrap_or_else(|_| panic!("{service}: {what}: not cut"));
            let seen = statuses(&answer);
            assert!(
                seen.iter().all(|s| *s < 500) && seen.len() <= 1,
                "{service}: {what}: {answer}"
            );
            silent_about_itself(world, &answer);
        }
    }
    let health = world.stack.get(&format!("{service}/health")).await.unwrap();
    assert_eq!(health.0, 200, "{service}: {}", json!(health.1));
}
