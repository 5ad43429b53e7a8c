//! A small local server that plays token endpoint and API, and the service under test.
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Parser;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use wrappedgapi::{Catalogue, Config, CredentialSource, GapiArgs, State, router};

/// One key pair for all tests of a file: making one takes a while.
pub static PEM: LazyLock<String> = LazyLock::new(|| {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
});

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub uri: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The claims of a token request's assertion.
    pub fn claims(&self) -> Value {
        let text = self.text();
        let assertion = text.split("assertion=").nth(1).unwrap().replace("%3D", "");
        let payload = assertion.split('.').nth(1).unwrap().trim_end_matches('=').to_owned();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }
}

/// What the server answers.
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    delay: Duration,
}

pub fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply { status, headers: Vec::new(), body: body.into(), delay: Duration::ZERO }
}

pub fn json_reply(status: u16, body: Value) -> Reply {
    reply(status, body.to_string()).with("content-type", "application/json")
}

impl Reply {
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// A token named after its user and scope, so that a mix-up shows.
pub fn token_reply(seen: &Seen) -> Reply {
    let claims = seen.claims();
    let token =
        format!("ya29.{}|{}", claims["sub"].as_str().unwrap(), claims["scope"].as_str().unwrap());
    json_reply(200, json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer"}))
}

/// An error in Gmail's and Directory's shape.
pub fn google_error(status: u16, reason: &str, message: &str) -> Reply {
    json_reply(
        status,
        json!({"error": {"code": status, "message": message,
        "errors": [{"message": message, "domain": "global", "reason": reason}]}}),
    )
}

/// The server. It lives as long as the test's runtime.
pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers every request by `script`, which is told how many requests for the same path came
    /// before.
    pub async fn start(script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::<Seen>::new()));
        let (script, log) = (Arc::new(script), Arc::clone(&seen));
        let handle = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let (script, log) = (Arc::clone(&script), Arc::clone(&log));
            async move {
                let path = uri.path().to_owned();
                let request = Seen { uri: uri.to_string(), path, headers, body };
                let before = {
                    let mut log = log.lock().unwrap();
                    let before = log.iter().filter(|seen| seen.path == request.path).count();
                    log.push(request.clone());
                    before
                };
                let reply = script(&request, before);
                tokio::time::sleep(reply.delay).await;
                into_response(reply)
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let layer = axum::extract::DefaultBodyLimit::disable();
        let app = Router::new().fallback(handle).layer(layer);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, seen }
    }

    /// Tokens for everybody; the rest by `script`.
    pub async fn api(script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(
            move |seen, nth| {
                if seen.path == "/token" { token_reply(seen) } else { script(seen, nth) }
            },
        )
        .await
    }

    pub fn seen(&self, path: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.path == path).cloned().collect()
    }

    pub fn tokens(&self) -> Vec<Seen> {
        self.seen("/token")
    }

    /// Requests to anything but the token endpoint.
    pub fn calls(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.path != "/token").cloned().collect()
    }
}

fn into_response(reply: Reply) -> Response {
    let mut response = (StatusCode::from_u16(reply.status).unwrap(), reply.body).into_response();
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// A key file for a service account whose tokens come from `token_uri`.
pub fn key_for(token_uri: &str) -> Value {
    json!({"type": "service_account", "client_email": "sa@project.iam", "client_id": "1234567",
        "private_key_id": "k", "private_key": *PEM, "token_uri": token_uri})
}

/// Credentials that a test can change.
#[derive(Clone, Default)]
pub struct Secrets(pub Arc<Mutex<Vec<(String, Value)>>>);

impl Secrets {
    pub fn usual(server: &Server) -> Self {
        let secrets = Self::default();
        secrets.set("GAPI_KEY", key_for(&format!("{}/token", server.url)).to_string().into());
        secrets.set("GAPI_ADMIN_EMAIL", "admin@x.example".into());
        secrets
    }

    pub fn set(&self, key: &str, value: Value) {
        let mut all = self.0.lock().unwrap();
        all.retain(|(name, _)| name != key);
        all.push((key.to_owned(), value));
    }
}

#[async_trait]
impl CredentialSource for Secrets {
    async fn get_key(&self, namespace: &str, key: &str) -> Result<Option<Value>, String> {
        assert_eq!(namespace, "default");
        let all = self.0.lock().unwrap();
        Ok(all.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone()))
    }
}

/// The service under test with settings as on its command line.
pub struct Service(pub Router);

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    gapi: GapiArgs,
}

impl Service {
    pub fn new(server: &Server, flags: &[&str]) -> Self {
        Self::with(server, flags, Secrets::usual(server))
    }

    pub fn with(server: &Server, flags: &[&str], secrets: Secrets) -> Self {
        Self::at(&server.url, flags, secrets)
    }

    /// With the APIs somewhere else than the token endpoint.
    pub fn at(root: &str, flags: &[&str], secrets: Secrets) -> Self {
        let root = ["wrappedgapi", "--root-url", root];
        let args = Cli::parse_from(root.iter().chain(flags).copied()).gapi;
        let config = Config::new(&args, []).unwrap();
        let state = State::new(config, Catalogue::from_embedded(), Arc::new(secrets)).unwrap();
        Self(router(state))
    }

    /// POSTs a body; answers status, headers and JSON.
    pub async fn post(&self, body: impl Into<Body>) -> (u16, HeaderMap, Value) {
        self.send(Request::post("/").body(body.into()).unwrap()).await
    }

    pub async fn send(&self, request: Request<Body>) -> (u16, HeaderMap, Value) {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (
            parts.status.as_u16(),
            parts.headers,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    /// Calls a method with positional arguments.
    pub async fn call(&self, method: &str, args: Value) -> (u16, HeaderMap, Value) {
        self.post(json!({"method": method, "args": args}).to_string()).await
    }
}
