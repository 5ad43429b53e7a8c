//! Signatures as the Standard Webhooks specification has them, which receivers' libraries check.

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;
use tasker_http::Secret;

/// Shortest secret, bytes.
const SHORTEST: usize = 16;

/// The key that `whsec_...` stands for.
pub fn key(secret: &Secret) -> anyhow::Result<hmac::Key> {
    let text = secret.expose();
    let bytes = STANDARD
        .decode(text.strip_prefix("whsec_").unwrap_or(text))
        .ok()
        .filter(|bytes| bytes.len() >= SHORTEST)
        .context("TASKER_WEBHOOK_SECRET must be whsec_ and base64 of at least 16 bytes")?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// Value of `webhook-signature` for a message.
pub fn signature(key: &hmac::Key, id: &str, timestamp: u64, body: &str) -> String {
    let tag = hmac::sign(key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_example() {
        let secret = Secret::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let key = key(&secret).unwrap();
        let body = r#"{"test": 2432232314}"#;
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(super::key(&Secret::from("whsec_c2hvcnQ=")).is_err());
    }
}
