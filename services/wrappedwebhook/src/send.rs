//! One webhook: allowed, signed, sent once.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use http::StatusCode;
use reqwest::Url;
use ring::hmac;
use serde::Deserialize;
use serde_json::{Value, json};
use tasker_core::Json;
use tasker_http::{ApiError, Secret};

use crate::sign;

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Characters of a receiver's answer that the task is shown.
const SHOWN: usize = 10_000;

/// Sends webhooks. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    client: reqwest::Client,
    allow: Arc<[Url]>,
    key: hmac::Key,
}

/// What a task asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    url: String,
    /// Sent byte for byte.
    body: Json,
    #[serde(default)]
    headers: HashMap<String, String>,
}

impl Sender {
    /// A sender to addresses that begin like one of `allow`.
    pub fn new(allow: &[String], secret: &Secret) -> anyhow::Result<Self> {
        let allowed = |text: &String| {
            Url::parse(text).with_context(|| format!("TASKER_WEBHOOK_ALLOW: '{text}' is no URL"))
        };
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            // A redirect could lead to where nobody allowed.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let allow = allow.iter().map(allowed).collect::<Result<_, _>>()?;
        Ok(Self { client, allow, key: sign::key(secret)? })
    }

    /// Sends it; answers the receiver's status and body. `key` stays the same when a call is
    /// repeated, so that the receiver can tell.
    pub async fn send(&self, hook: Hook, key: Option<&str>) -> Result<Value, ApiError> {
        let url = self.allowed(&hook.url)?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (id, timestamp, body) = (key.unwrap_or("none"), since.as_secs(), hook.body.get());
        let mut request = self.client.post(url).body(body.to_owned());
        for (name, value) in &hook.headers {
            request = request.header(name, value);
        }
        let request = request
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", sign::signature(&self.key, id, timestamp, body));
        let reply = request.send().await.map_err(|e| unreachable(&e))?;
        let status = reply.status();
        let text: String = reply.text().await.unwrap_or_default().chars().take(SHOWN).collect();
        let said = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if status.is_success() {
            return Ok(json!({ "status": status.as_u16(), "body": said }));
        }
        let passing = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        let message = format!("the receiver answered {}", status.as_u16());
        Err(ApiError::new(StatusCode::BAD_GATEWAY, message)
            .with("retryable", passing)
            .with("receiver", json!({ "status": status.as_u16(), "body": said })))
    }

    fn allowed(&self, text: &str) -> Result<Url, ApiError> {
        let url = Url::parse(text)
            .map_err(|e| ApiError::bad_request(format!("url '{text}' is no URL: {e}")))?;
        let same = |a: &Url| {
            a.origin() == url.origin()
                && url.path().starts_with(a.path())
                && url.username().is_empty()
                && url.password().is_none()
        };
        if self.allow.iter().any(same) {
            return Ok(url);
        }
        let message = format!("url '{text}' is not allowed: TASKER_WEBHOOK_ALLOW says which are");
        Err(ApiError::new(StatusCode::FORBIDDEN, message).with("retryable", false))
    }
}

/// Nobody answered, or not in time. Receivers know a repeated webhook by its id.
fn unreachable(error: &reqwest::Error) -> ApiError {
    let why = if error.is_timeout() { "did not answer in time" } else { "cannot be reached" };
    ApiError::new(StatusCode::BAD_GATEWAY, format!("the receiver {why}")).with("retryable", true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_allowed() {
        tasker_http::install_crypto();
        let allow = ["https://a.example/hooks/".to_owned(), "http://127.0.0.1:99".to_owned()];
        let secret = Secret::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let sender = Sender::new(&allow, &secret).unwrap();
        for good in ["https://a.example/hooks/1?x=2", "http://127.0.0.1:99/any"] {
            assert!(sender.allowed(good).is_ok(), "{good}");
        }
        for bad in [
            "https://a.example/other",
            "https://a.example/hooks/../other",
            "https://a.example.evil/hooks/1",
            "https://a.example@evil/hooks/1",
            "https://u:p@a.example/hooks/1",
            "http://a.example/hooks/1",
            "https://a.example:444/hooks/1",
            "http://127.0.0.1:9/any",
            "file:///etc/passwd",
            "hooks",
        ] {
            assert!(sender.allowed(bad).is_err(), "{bad}");
        }
        assert!(Sender::new(&["nowhere".to_owned()], &secret).is_err());
    }
}
