//! Stands between the services and loses, repeats, delays and mangles their requests, by a seed.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{header, request::Parts};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::task::JoinHandle;

use super::http::{self as server, Answer, Cut};

/// What happens to requests; chances are from 0 to 1.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The connection ends before anything was forwarded.
    pub drop_before: f64,
    /// Forwarded; the connection ends without the answer.
    pub drop_after: f64,
    /// Answered 500, 502 or 503, not forwarded.
    pub refuse: f64,
    /// Half of the answer's body arrives.
    pub cut: f64,
    /// No answer for this long, then the connection ends; not forwarded.
    pub stall: f64,
    /// Copies sent beside each request.
    pub copies: usize,
    /// Each request (and copy) waits up to so many milliseconds, which reorders them.
    pub delay_ms: u64,
}

/// How long a stalled request is held.
const STALL: Duration = Duration::from_secs(3);

/// The proxy. Dropped, it stops.
pub struct Proxy {
    /// Its address.
    pub url: String,
    inner: Arc<Inner>,
    serving: JoinHandle<()>,
}

struct Inner {
    client: reqwest::Client,
    routes: Mutex<HashMap<String, Vec<String>>>,
    /// Rules by route name.
    rules: Mutex<HashMap<String, Rules>>,
    random: Mutex<StdRng>,
    turn: AtomicUsize,
    counts: Mutex<HashMap<&'static str, usize>>,
}

impl Proxy {
    /// Starts it.
    pub async fn start(seed: u64) -> anyhow::Result<Self> {
        let inner = Arc::new(Inner {
            client: reqwest::Client::builder().no_proxy().build()?,
            routes: Mutex::default(),
            rules: Mutex::default(),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            turn: AtomicUsize::new(0),
            counts: Mutex::default(),
        });
        let shared = inner.clone();
        let handler = move |parts: Parts, body: Bytes| pass(shared.clone(), parts, body);
        let (address, serving) = server::serve(0, handler).await?;
        Ok(Self { url: format!("http://{address}"), inner, serving })
    }

    /// Requests to `/name/...` go to these addresses in turn.
    pub fn route(&self, name: &str, targets: Vec<String>) {
        lock(&self.inner.routes).insert(name.to_owned(), targets);
    }

    /// What happens to POSTs on a route from now on.
    pub fn rule(&self, name: &str, rules: &Rules) {
        lock(&self.inner.rules).insert(name.to_owned(), rules.clone());
    }

    /// What was done to how many requests.
    pub fn counts(&self) -> String {
        let counts = lock(&self.inner.counts);
        let mut all: Vec<String> = counts.iter().map(|(what, n)| format!("{n} {what}")).collect();
        all.sort();
        all.join(", ")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was drawn for one request.
struct Fate {
    roll: f64,
    delays: Vec<Duration>,
    status: u16,
}

impl Inner {
    fn count(&self, what: &'static str) {
        *lock(&self.counts).entry(what).or_default() += 1;
    }

    fn draw(&self, rules: &Rules) -> Fate {
        let mut random = lock(&self.random);
        let mut delay = || Duration::from_millis(random.random_range(0..=rules.delay_ms));
        let delays = (0..=rules.copies).map(|_| delay()).collect();
        Fate { roll: random.random(), delays, status: [500, 502, 503][random.random_range(0..3)] }
    }

    /// Addresses of a route, the one whose turn it is first.
    fn targets(&self, name: &str) -> Vec<String> {
        let mut targets = lock(&self.routes).get(name).cloned().unwrap_or_default();
        if !targets.is_empty() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % targets.len();
            targets.rotate_left(turn);
        }
        targets
    }

    async fn forward(
        &self,
        name: &str,
        rest: &str,
        parts: &Parts,
        body: Bytes,
    ) -> Option<(u16, Bytes)> {
        let mut headers = parts.headers.clone();
        for hop in
            [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING]
        {
            headers.remove(hop);
        }
        for target in self.targets(name) {
            let sent = self.client.request(parts.method.clone(), format!("{target}{rest}"));
            let sent = sent.headers(headers.clone()).body(body.clone());
            match sent.timeout(Duration::from_secs(300)).send().await {
                Ok(reply) => return Some((reply.status().as_u16(), reply.bytes().await.ok()?)),
                // Nobody is there: the next one is asked, as a balancer would.
                Err(error) if error.is_connect() => {}
                Err(_) => return None,
            }
        }
        None
    }
}

async fn pass(inner: Arc<Inner>, parts: Parts, body: Bytes) -> Answer {
    let path = parts.uri.path().trim_start_matches('/').to_owned();
    let (name, rest) = path.find('/').map_or((path.as_str(), ""), |at| path.split_at(at));
    let rest = parts.uri.query().map_or_else(|| rest.to_owned(), |q| format!("{rest}?{q}"));
    let posts = parts.method == http::Method::POST;
    let rules = lock(&inner.rules).get(name).filter(|_| posts).cloned().unwrap_or_default();
    let fate = inner.draw(&rules);
    let mut edge = 0.0;
    let mut falls = |chance: f64| {
        let hit = (edge..edge + chance).contains(&fate.roll);
        edge += chance;
        hit
    };
    let [before, after, refuse, cut, stall] =
        [rules.drop_before, rules.drop_after, rules.refuse, rules.cut, rules.stall].map(&mut falls);
    for delay in &fate.delays[1..] {
        let (inner, name, rest, parts, body, delay) =
            (inner.clone(), name.to_owned(), rest.clone(), parts.clone(), body.clone(), *delay);
        inner.count("copies");
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            inner.forward(&name, &rest, &parts, body).await
        });
    }
    if before {
        inner.count("dropped before");
        return Err(Cut);
    }
    if refuse {
        inner.count("refused");
        return server::json(fate.status, r#"{"error":"refused on purpose"}"#);
    }
    if stall {
        inner.count("stalled");
        tokio::time::sleep(STALL).await;
        return Err(Cut);
    }
    tokio::time::sleep(fate.delays[0]).await;
    let (status, body) = inner.forward(name, &rest, &parts, body).await.ok_or(Cut)?;
    if after {
        inner.count("dropped after");
        return Err(Cut);
    }
    inner.count("passed");
    let kept = if cut { body.len() / 2 } else { body.len() };
    server::json(status, body.slice(..kept))
}
