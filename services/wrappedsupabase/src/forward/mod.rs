//! Requests that a Supabase project answers: its PostgREST, Auth and Storage, as supabase-js sends
//! them.

mod auth;
mod draft;
mod file_shape;
mod files;
mod once;
mod rest;
mod shape;
mod storage;
mod text;

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, header};
use serde_json::Value;
use tasker_http::{Caller, GateArgs, Role};

pub use auth::auth;
pub use once::once;
pub use shape::Shape;
pub use storage::storage;

use crate::fault::Fault;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(55);
/// Longest answer.
const LONGEST: usize = 32 << 20;
/// How often a read is repeated.
const REPEATS: u32 = 3;

/// A Supabase project.
pub struct Forward {
    client: reqwest::Client,
    /// Its address, without a slash at the end.
    base: String,
    service_key: String,
    anon_key: Option<String>,
    /// The first wait before a read is repeated; it doubles.
    backoff: Duration,
}

/// Who a request speaks for.
pub struct Credentials {
    apikey: String,
    bearer: String,
}

impl Credentials {
    /// The service role's own, or those that the caller sent: policies of the project apply.
    pub fn of(project: &Forward, caller: &Caller, headers: &HeaderMap) -> Self {
        if caller.role == Role::Service {
            return Self {
                apikey: project.service_key.clone(),
                bearer: project.service_key.clone(),
            };
        }
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let apikey = project.anon_key.clone().or_else(|| text("apikey")).unwrap_or_default();
        let shown = text(header::AUTHORIZATION.as_str());
        let shown = shown.and_then(|v| v.split_once(' ').map(|(_, token)| token.trim().to_owned()));
        Self { bearer: shown.unwrap_or_else(|| apikey.clone()), apikey }
    }
}

/// A request as it goes over the wire.
pub struct Wire {
    /// Method.
    pub method: Method,
    /// Address.
    pub url: reqwest::Url,
    /// Headers beside keys.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Option<Vec<u8>>,
    /// Another token than the caller's.
    pub token: Option<String>,
    /// Whether a read is repeated.
    pub retry: bool,
}

/// What came back.
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

impl Reply {
    /// One of its headers.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The status that tells the caller whether to try again; 200 for everything else.
    pub fn passed_on(&self) -> StatusCode {
        match self.status.as_u16() {
            429 | 502 | 503 | 504 => self.status,
            _ => StatusCode::OK,
        }
    }
}

/// A request of `auth.admin` or `storage`, and what is made of its answer.
pub enum Sent {
    /// Nothing has to be asked.
    Known(Value),
    /// The request.
    Request(Box<Wire>, Box<Shape>),
}

impl Forward {
    /// The project that the settings name, if they do.
    ///
    /// # Errors
    /// Its address is not one, or there is no key for it.
    pub fn new(gate: &GateArgs) -> anyhow::Result<Option<Self>> {
        let Some(base) = gate.supabase_url.as_deref().map(str::trim).filter(|u| !u.is_empty())
        else {
            return Ok(None);
        };
        // An address without keys serves for fetching token keys only.
        let Some(key) = gate.service_key() else { return Ok(None) };
        let anon = gate.anon_key.as_ref().or(gate.publishable_key.as_ref());
        let anon = anon.map(|k| k.expose().to_owned()).filter(|k| !k.is_empty());
        Self::at(base, key, anon, Duration::from_secs(1)).map(Some)
    }

    /// A project by its address and keys.
    ///
    /// # Errors
    /// The address is not one.
    pub fn at(
        base: &str,
        service_key: String,
        anon_key: Option<String>,
        backoff: Duration,
    ) -> anyhow::Result<Self> {
        use anyhow::Context as _;
        tasker_http::install_crypto();
        let base = base.trim_end_matches('/').to_owned();
        let url = reqwest::Url::parse(&base).context("SUPABASE_URL is not an address")?;
        anyhow::ensure!(url.has_host(), "SUPABASE_URL must look like https://xyz.supabase.co");
        let mut client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(Duration::from_secs(5))
            // A redirect would carry the key to wherever it points.
            .redirect(reqwest::redirect::Policy::none());
        if url.scheme() == "http" {
            client = client.no_proxy();
        }
        Ok(Self { client: client.build()?, base, service_key, anon_key, backoff })
    }

    /// An address below the project's.
    fn url(&self, path: &str) -> Result<reqwest::Url, Fault> {
        reqwest::Url::parse(&format!("{}{path}", self.base)).map_err(|e| {
            let bad = StatusCode::BAD_REQUEST;
            Fault::new(bad, bad, "INVALID_CHAIN_FORMAT", format!("not an address: {e}"))
        })
    }

    /// Sends a request; a read is repeated when the network or the gateway fails.
    async fn exchange(&self, wire: &Wire, credentials: &Credentials) -> Result<Reply, Fault> {
        let reads = [Method::GET, Method::HEAD].contains(&wire.method);
        let repeats = if reads && wire.retry { REPEATS } else { 0 };
        let mut attempt = 0;
        loop {
            let reply = self.once(wire, credentials, attempt).await;
            let wait = self.backoff * 2u32.pow(attempt);
            let wait = match &reply {
                Ok(reply) if matches!(reply.status.as_u16(), 503 | 520) => {
                    let asked = reply.header("retry-after").and_then(|s| s.trim().parse().ok());
                    asked.map_or(wait, |s: u64| Duration::from_secs(s.min(30)))
                }
                Err(_) => wait,
                Ok(_) => return reply,
            };
            if attempt == repeats {
                return reply;
            }
            attempt += 1;
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(&self, wire: &Wire, by: &Credentials, attempt: u32) -> Result<Reply, Fault> {
        let mut request = self.client.request(wire.method.clone(), wire.url.clone());
        request = request.header("apikey", &by.apikey);
        request = request.bearer_auth(wire.token.as_ref().unwrap_or(&by.bearer));
        request = request.header("x-client-info", concat!("tasker/", env!("CARGO_PKG_VERSION")));
        if attempt > 0 {
            request = request.header("x-retry-count", attempt.to_string());
        }
        for (name, value) in &wire.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &wire.body {
            request = request.body(body.clone());
        }
        let lost = |e| lost(e, &wire.method);
        let mut response = request.send().await.map_err(lost)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                let (ok, large) = (StatusCode::OK, StatusCode::PAYLOAD_TOO_LARGE);
                let message = format!("the answer is longer than {} MB", LONGEST >> 20);
                return Err(Fault::new(ok, large, "PAYLOAD_TOO_LARGE", message));
            }
        }
        Ok(Reply { status, headers, body })
    }
}

/// A request that got no answer. One that was sent and may have changed something is not safe to
/// repeat.
fn lost(error: reqwest::Error, method: &Method) -> Fault {
    let sent = !(error.is_connect() || error.is_builder());
    let reads = [Method::GET, Method::HEAD].contains(method);
    let http =
        if sent && !reads { StatusCode::BAD_GATEWAY } else { StatusCode::SERVICE_UNAVAILABLE };
    let why = if error.is_timeout() { "timed out" } else { "failed" };
    // The address stays out of the text.
    let cause = std::error::Error::source(&error.without_url()).map(ToString::to_string);
    let mut fault = Fault::new(http, http, "", format!("FetchError: fetch {why}"));
    fault.status = None;
    fault.details = Some(tasker_core::json::of(&cause.unwrap_or_default()));
    fault.hint = Some("".into());
    fault
}

/// Sends a request of `auth.admin` or `storage`.
pub async fn send(
    project: &Forward,
    sent: Sent,
    by: &Credentials,
) -> Result<(Value, StatusCode), Fault> {
    match sent {
        Sent::Known(value) => Ok((value, StatusCode::OK)),
        Sent::Request(wire, shape) => {
            let reply = project.exchange(&wire, by).await?;
            let passed_on = reply.passed_on();
            Ok((shape.of(reply, &project.base), passed_on))
        }
    }
}

/// A part of a path that is one step and no more.
fn step(text: &str) -> Result<String, Fault> {
    let decoded = text.to_ascii_lowercase().replace("%2e", ".");
    if text.is_empty() || text.contains('/') || decoded == "." || decoded == ".." {
        let short: String = text.chars().take(60).collect();
        let bad = StatusCode::BAD_REQUEST;
        let message = format!("'{short}' cannot be part of an address: no '/', '.' or '..' alone");
        return Err(Fault::new(bad, bad, "INVALID_CHAIN_FORMAT", message));
    }
    Ok(percent_encoding::utf8_percent_encode(text, STEP).to_string())
}

/// What an address would take for something else.
const STEP: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');
