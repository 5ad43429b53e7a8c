//! What the integration tests share.
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Method, Response};
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding, Signer};
use serde_json::{Value, json};
use workspace_emulator::{Config, Emulator, Running, WorldConfig};

pub const READ: &str = "https://www.googleapis.com/auth/gmail.readonly";
pub const MODIFY: &str = "https://www.googleapis.com/auth/gmail.modify";
pub const USERS: &str = "https://www.googleapis.com/auth/admin.directory.user.readonly";
pub const DOMAINS: &str = "https://www.googleapis.com/auth/admin.directory.domain.readonly";

pub struct Fixture {
    pub running: Running,
    pub http: Client,
}

pub async fn start() -> Fixture {
    start_with(Config::default()).await
}

/// A small world: 4 domains, 26 users, 60 messages each.
pub async fn start_with(config: Config) -> Fixture {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let users_per_domain = vec![9, 8, 6, 3];
    let world = WorldConfig { users_per_domain, messages_per_user: 60, ..config.world };
    let running = Emulator::start(Config { world, ..config }).await.unwrap();
    Fixture { running, http: Client::new() }
}

impl Fixture {
    pub fn user(&self, index: usize) -> String {
        self.running.app().world.users[index].email.clone()
    }

    /// A signed assertion with these claims on top of the good ones.
    pub fn assertion(&self, changes: Value) -> String {
        let key: Value = serde_json::from_str(&self.running.key_json).unwrap();
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({
            "iss": key["client_email"], "aud": key["token_uri"], "iat": now, "exp": now + 3600,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let pem = key["private_key"].as_str().unwrap();
        let signer = SigningKey::<Sha256>::new(RsaPrivateKey::from_pkcs8_pem(pem).unwrap());
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&json!({ "alg": "RS256" })), encode(&claims));
        let signature = signer.sign(signed.as_bytes()).to_vec();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    pub async fn ask_token(&self, changes: Value) -> (u16, Value) {
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        self.post_form(&[("grant_type", grant), ("assertion", &self.assertion(changes))]).await
    }

    pub async fn post_form(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let body: String =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(format!("{}/token", self.running.url)).body(body);
        let response = request
            .header("content-type", "application/x-www-form-urlencoded")
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub async fn token(&self, user: &str, scope: &str) -> String {
        let (status, body) = self.ask_token(json!({ "sub": user, "scope": scope })).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn call(&self, token: &str, method: Method, path: &str, body: Value) -> Response {
        let request = self.http.request(method, format!("{}{path}", self.running.url));
        let request = request.bearer_auth(token);
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        request.send().await.unwrap()
    }

    pub async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        let response = self.call(token, Method::GET, path, Value::Null).await;
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    pub async fn admin(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.http.request(method, format!("{}/_admin/{path}", self.running.url));
        let response = request.body(body.to_string()).send().await.unwrap();
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        assert!(status.is_success(), "{body}");
        body
    }
}

/// The refusal's status and reason.
pub fn reason(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["errors"][0]["reason"].as_str().unwrap_or_default())
}
