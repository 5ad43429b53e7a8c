//! A service that does effects and remembers each: the truth that the database is compared with.
//!
//! As `wrappedoracle` its methods are unknown to tasker, so never safe to repeat; as `wrappedgapi`
//! its `echo` is. The first argument may ask for trouble: `cut: n` (the first n requests do their
//! effect and get no answer), `busy: n` (the first n get 503 and no effect), `limited: [n, s]` (the
//! first n get 429 with `Retry-After: s`), `hang: n` (the first n get nothing at all, and no effect),
//! `ms: [..]` (the k-th request waits so long after its effect), `nth: true` (the answer tells which
//! request it is), `size: n` (the answer has n bytes), `gate: [..]` (the k-th request waits after its effect
//! until that gate is opened), `foreign: true` (the answer has a character that Latin-1 has not).

use std::{
    collections::{HashMap, HashSet},
    io::Write as _,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::request::Parts;
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinHandle};

use super::http::{self as server, Answer, Cut};

/// How long a request that hangs is held.
const HANG: Duration = Duration::from_secs(120);

/// The service. Dropped, it stops.
pub struct Oracle {
    /// Address up to the service's name.
    pub url: String,
    seen: Arc<Seen>,
    serving: Vec<JoinHandle<()>>,
}

struct Seen {
    book: Mutex<Book>,
    file: std::fs::File,
    /// Gates that are open.
    gates: watch::Sender<HashSet<u64>>,
}

#[derive(Default)]
struct Book {
    /// When which request came, by idempotency key, those without an effect too.
    requests: HashMap<String, Vec<Instant>>,
    /// Effects by idempotency key (`sr-<row>`), with what was answered or would have been.
    effects: HashMap<String, Vec<String>>,
    /// Keys of those that change something.
    changed: HashSet<String>,
    /// Effects that must not repeat, by what the task asked for.
    once: HashMap<String, usize>,
}

impl Oracle {
    /// Starts it; `dir/effects.log` gets a line for each effect before it is answered.
    pub async fn start(dir: &Path) -> anyhow::Result<Self> {
        let file =
            std::fs::File::options().create(true).append(true).open(dir.join("effects.log"))?;
        let gates = watch::Sender::new(HashSet::new());
        let seen = Arc::new(Seen { book: Mutex::default(), file, gates });
        let (address, serving) = serve(0, &seen).await?;
        Ok(Self { url: format!("http://{address}"), seen, serving: vec![serving] })
    }

    /// Answers at this port too.
    pub async fn also_at(&mut self, port: u16) -> anyhow::Result<()> {
        self.serving.push(serve(port, &self.seen).await?.1);
        Ok(())
    }

    /// Lets those answer that wait at this gate, and all that come to it.
    pub fn open(&self, gate: u64) {
        self.seen.gates.send_modify(|open| {
            open.insert(gate);
        });
    }

    /// Writes a line of an earlier oracle's `effects.log` into the book.
    pub fn remember(&self, line: &str) -> anyhow::Result<()> {
        let (service, key, what, reply): (String, String, String, String) =
            serde_json::from_str(line)?;
        let mut book = self.seen.book();
        book.requests.entry(key.clone()).or_default().push(Instant::now());
        book.effect(&service, &key, what, &reply);
        Ok(())
    }

    /// How often the row's effect was done.
    pub fn effects_of(&self, row: i64) -> usize {
        self.seen.book().effects.get(&format!("sr-{row}")).map_or(0, Vec::len)
    }

    /// What the row's effect was answered with, if it was done.
    pub fn answer_of(&self, row: i64) -> Option<String> {
        self.seen.book().effects.get(&format!("sr-{row}"))?.last().cloned()
    }

    /// Rows whose effects change something. A call that changes nothing may be made ahead of the
    /// commit that makes its row, and be forgotten with it.
    pub fn changed(&self) -> Vec<i64> {
        let book = self.seen.book();
        book.changed.iter().filter_map(|k| k.strip_prefix("sr-")?.parse().ok()).collect()
    }

    /// Rows for which a request came.
    pub fn asked(&self) -> Vec<i64> {
        let book = self.seen.book();
        book.requests.keys().filter_map(|k| k.strip_prefix("sr-")?.parse().ok()).collect()
    }

    /// When the requests for a row came.
    pub fn requests_of(&self, row: i64) -> Vec<Instant> {
        self.seen.book().requests.get(&format!("sr-{row}")).cloned().unwrap_or_default()
    }

    /// What was done more than once though it must not be.
    pub fn repeated(&self) -> Vec<String> {
        let book = self.seen.book();
        let more = book.once.iter().filter(|(_, n)| **n > 1);
        more.map(|(what, n)| format!("{what} x{n}")).collect()
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        self.serving.iter().for_each(JoinHandle::abort);
    }
}

impl Seen {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(port: u16, seen: &Arc<Seen>) -> anyhow::Result<(SocketAddr, JoinHandle<()>)> {
    let shared = seen.clone();
    server::serve(port, move |parts, body| answer(shared.clone(), parts, body)).await
}

async fn answer(seen: Arc<Seen>, parts: Parts, body: Bytes) -> Answer {
    let service = parts.uri.path().trim_matches('/').to_owned();
    if parts.method != http::Method::POST {
        return server::json(200, r#"{"status":"healthy"}"#);
    }
    let key = parts.headers.get("idempotency-key").and_then(|v| v.to_str().ok());
    let key = key.unwrap_or("none").to_owned();
    let body: Value = serde_json::from_slice(&body).map_err(|_| Cut)?;
    let link = body["chain"].as_array().and_then(|c| c.last()).cloned().unwrap_or_default();
    let ask = link["args"][0].clone();
    let nth = {
        let mut book = seen.book();
        let times = book.requests.entry(key.clone()).or_default();
        times.push(Instant::now());
        times.len()
    };
    let first = |name: &Value| nth as u64 <= name.as_u64().unwrap_or(0);
    if first(&ask["hang"]) {
        tokio::time::sleep(HANG).await;
        return Err(Cut);
    }
    if first(&ask["limited"][0]) {
        let seconds = ask["limited"][1].as_u64().unwrap_or(1);
        return server::json_later(429, r#"{"error":"too many requests"}"#, seconds);
    }
    if first(&ask["busy"]) {
        return server::json(503, r#"{"error":"busy"}"#);
    }
    let reply = reply(&service, &link, &ask, nth);
    seen.effect(&service, &key, &ask, &reply);
    if let Some(ms) = ask["ms"][nth - 1].as_u64() {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    if let Some(gate) = ask["gate"][nth - 1].as_u64() {
        let _ = seen.gates.subscribe().wait_for(|open| open.contains(&gate)).await;
    }
    if first(&ask["cut"]) { Err(Cut) } else { server::json(200, reply) }
}

fn reply(service: &str, link: &Value, ask: &Value, nth: usize) -> String {
    if let Some(hostile) = ask["hostile"].as_u64() {
        return super::hostile::VALUES[usize::try_from(hostile).unwrap_or(0)].to_owned();
    }
    if let Some(size) = ask["size"].as_u64() {
        let around = r#"{"value":""}"#.len();
        let filling = "v".repeat(usize::try_from(size).unwrap_or(0).saturating_sub(around));
        return format!(r#"{{"value":"{filling}"}}"#);
    }
    let mut reply = json!({ "value": format!("v-{}-{}", ask["key"], ask["i"]) });
    if service == "wrappedgapi" && link["property"] == "echo" {
        reply = json!({ "echo": ask });
    }
    if ask["foreign"] == true {
        reply["foreign"] = json!("\u{20ac}");
    }
    if ask["nth"] == true {
        reply["nth"] = json!(nth);
    }
    reply.to_string()
}

impl Seen {
    fn effect(&self, service: &str, key: &str, ask: &Value, reply: &str) {
        let what = format!("{}/{}/{}", ask["phase"], ask["key"], ask["i"]);
        // Written at once: others write too.
        let line = format!("{}\n", json!([service, key, what, reply]));
        let _ = (&self.file).write_all(line.as_bytes());
        self.book().effect(service, key, what, reply);
    }
}

impl Book {
    fn effect(&mut self, service: &str, key: &str, what: String, reply: &str) {
        self.effects.entry(key.to_owned()).or_default().push(reply.to_owned());
        if service == "wrappedoracle" {
            self.changed.insert(key.to_owned());
            *self.once.entry(what).or_default() += 1;
        }
    }
}
