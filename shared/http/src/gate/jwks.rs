//! The key set of ES256 and RS256 tokens: given, or fetched when a token names an unknown key.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{
    args::{GateArgs, given},
    refusal::Refusal,
};

/// A key that was taken out of the set is believed this much longer.
const FRESH: Duration = Duration::from_secs(600);
const TIMEOUT: Duration = Duration::from_secs(5);
const LARGEST: usize = 256 << 10;
const MOST_KEYS: usize = 64;

/// The key set. Cheap to clone.
#[derive(Clone)]
pub(super) struct Jwks(Arc<Inner>);

struct Inner {
    set: RwLock<Set>,
    source: Option<Source>,
}

struct Source {
    url: String,
    client: reqwest::Client,
    interval: Duration,
    /// The last attempt; who holds it is fetching, everybody else waits for that.
    last: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Set {
    keys: Vec<Key>,
    since: Option<Instant>,
}

struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Jwks {
    pub(super) fn new(args: &GateArgs) -> anyhow::Result<Self> {
        if let Some(text) = given(args.jwks.as_ref()) {
            let keys = parse(text.as_bytes()).context("SUPABASE_JWKS")?;
            let set = RwLock::new(Set { keys, since: None });
            return Ok(Self(Arc::new(Inner { set, source: None })));
        }
        let source = args.key_set_url().map(|url| Source::new(url, args.jwks_interval()));
        Ok(Self(Arc::new(Inner { set: RwLock::default(), source: source.transpose()? })))
    }

    /// The key for a token. `Ok(None)`: there is none, now that the set is as new as it may be.
    pub(super) async fn key(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Result<Option<DecodingKey>, Refusal> {
        let Some(source) = &self.0.source else { return Ok(self.find(algorithm, kid).0) };
        if let (Some(key), since) = self.find(algorithm, kid) {
            if since.is_some_and(|s| s.elapsed() > FRESH) {
                let this = self.clone();
                tokio::spawn(async move { this.refresh().await });
            }
            return Ok(Some(key));
        }
        tracing::debug!(url = source.url, "a token names a key that is not in the set");
        self.refresh().await;
        match self.find(algorithm, kid) {
            (None, None) => Err(Refusal::NoKeySet),
            (key, _) => Ok(key),
        }
    }

    /// The key, and when the set was fetched.
    fn find(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> (Option<DecodingKey>, Option<Instant>) {
        let set = self.0.set.read().unwrap_or_else(PoisonError::into_inner);
        let mut fit = set
            .keys
            .iter()
            .filter(|k| k.algorithm == algorithm && (kid.is_none() || kid == k.kid.as_deref()));
        let found = match (fit.next(), fit.next()) {
            // A token without kid is taken only if there is nothing to choose.
            (Some(_), Some(_)) if kid.is_none() => None,
            (first, _) => first.map(|k| k.key.clone()),
        };
        (found, set.since)
    }

    /// Fetches, unless that was tried a moment ago: a storm of unknown keys is one fetch.
    async fn refresh(&self) {
        let Some(source) = &self.0.source else { return };
        let mut last = source.last.lock().await;
        if last.is_some_and(|at| at.elapsed() < source.interval) {
            return;
        }
        *last = Some(Instant::now());
        match source.fetch().await {
            Ok(keys) => {
                let mut set = self.0.set.write().unwrap_or_else(PoisonError::into_inner);
                *set = Set { keys, since: Some(Instant::now()) };
            }
            Err(error) => tracing::warn!(error = format!("{error:#}"), "JWKS not fetched"),
        }
    }
}

impl Source {
    fn new(url: String, interval: Duration) -> anyhow::Result<Self> {
        ensure!(
            url.starts_with("http://") || url.starts_with("https://"),
            "SUPABASE_JWKS_URL or SUPABASE_URL must start with http:// or https://"
        );
        // No redirects: where keys come from is the operator's word alone.
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { url, client, interval, last: Mutex::default() })
    }

    async fn fetch(&self) -> anyhow::Result<Vec<Key>> {
        let answer =
            self.client.get(&self.url).send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        ensure!(status.is_success(), "the auth server answered {status}");
        let mut answer = answer;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            ensure!(body.len() + chunk.len() <= LARGEST, "larger than {LARGEST} bytes");
            body.extend_from_slice(&chunk);
        }
        parse(&body)
    }
}

#[derive(Deserialize)]
struct Wire {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// The keys that can be used here. Others are passed over: a set may hold symmetric ones, too.
fn parse(body: &[u8]) -> anyhow::Result<Vec<Key>> {
    let body: Value = serde_json::from_slice(body).ok().context("not JSON")?;
    let list = body.get("keys").and_then(Value::as_array).context("no list \"keys\"")?;
    Ok(list.iter().take(MOST_KEYS).filter_map(usable).collect())
}

fn usable(key: &Value) -> Option<Key> {
    let wire = Wire::deserialize(key).ok()?;
    let (algorithm, name, key) = match (wire.kty.as_str(), wire.crv.as_deref()) {
        ("EC", Some("P-256")) => {
            let key = DecodingKey::from_ec_components(&wire.x?, &wire.y?);
            (Algorithm::ES256, "ES256", key.ok()?)
        }
        ("RSA", _) => {
            let key = DecodingKey::from_rsa_components(&wire.n?, &wire.e?);
            (Algorithm::RS256, "RS256", key.ok()?)
        }
        _ => return None,
    };
    let fits = wire.alg.is_none_or(|alg| alg == name) && wire.r#use.is_none_or(|u| u == "sig");
    fits.then_some(Key { kid: wire.kid, algorithm, key })
}
