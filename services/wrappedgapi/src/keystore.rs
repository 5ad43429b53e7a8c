//! Credentials from wrappedkeystore over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tasker_http::Peers;

use crate::credentials::{CredentialSource, SourceError, keystore_answer, keystore_request};

/// wrappedkeystore as a source of credentials.
pub struct PeerKeystore(pub Peers);

const SERVICE: &str = "wrappedkeystore";
const TIMEOUT: Duration = Duration::from_secs(5);

/// What wrappedkeystore answers when it cannot open a secret.
#[derive(Deserialize)]
struct Refusal {
    code: String,
    error: String,
}

#[async_trait]
impl CredentialSource for PeerKeystore {
    async fn get_key(&self, namespace: &str, key: &str) -> Result<Option<Value>, SourceError> {
        let request = keystore_request(namespace, key);
        let reply = self
            .0
            .post(SERVICE, "", &request, &[], TIMEOUT)
            .await
            .map_err(|error| SourceError::Unavailable(error.to_string()))?;
        if !reply.status.is_success() {
            return Err(refused(reply.status, &reply.body));
        }
        // Neither body nor parse error may be repeated: the body is the secret.
        let answer = serde_json::from_slice(&reply.body).map_err(|_| {
            SourceError::Unavailable(format!("{SERVICE} answered something other than JSON"))
        })?;
        keystore_answer(answer).map_err(SourceError::Unavailable)
    }
}

/// The keystore's own words where they name what to mend; else the status alone, since anybody
/// could have put anything into such a body.
fn refused(status: StatusCode, body: &[u8]) -> SourceError {
    let locked =
        |said: &Refusal| said.code.starts_with("MASTER_KEY_") || said.code == "SECRET_BROKEN";
    if let Some(said) = serde_json::from_slice(body).ok().filter(locked) {
        return SourceError::Locked(said.error);
    }
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "; fix: give all services the same SUPABASE_SECRET_KEY or SUPABASE_SERVICE_ROLE_KEY"
        }
        _ => "",
    };
    SourceError::Unavailable(format!("{SERVICE} answered {status}{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_name_a_fix_are_passed_on() {
        let at =
            |status, body: &str| refused(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        for code in ["MASTER_KEY_MISSING", "MASTER_KEY_UNKNOWN", "SECRET_BROKEN"] {
            let body = format!(r#"{{"success":false,"error":"do this","code":"{code}"}}"#);
            assert!(matches!(at(500, &body), SourceError::Locked(text) if text == "do this"));
        }
        for body in [
            r#"{"error":{"code":"INTERNAL_ERROR","message":"a secret"}}"#,
            r#"{"error":"a secret"}"#,
            "a secret",
        ] {
            let error = at(500, body).to_string();
            assert_eq!(error, "wrappedkeystore answered 500 Internal Server Error");
        }
        assert!(at(401, "{}").to_string().contains("SUPABASE_SECRET_KEY"));
    }
}
