//! Credentials from wrappedkeystore over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tasker_http::Peers;

use crate::credentials::{CredentialSource, keystore_answer, keystore_request};

/// wrappedkeystore as a source of credentials.
pub struct PeerKeystore(pub Peers);

const SERVICE: &str = "wrappedkeystore";
const TIMEOUT: Duration = Duration::from_secs(5);

#[async_trait]
impl CredentialSource for PeerKeystore {
    async fn get_key(&self, namespace: &str, key: &str) -> Result<Option<Value>, String> {
        let request = keystore_request(namespace, key);
        let reply = self
            .0
            .post(SERVICE, "", &request, &[], TIMEOUT)
            .await
            .map_err(|error| error.to_string())?;
        // Neither body nor parse error may be repeated: the body is the secret.
        if !reply.status.is_success() {
            return Err(format!("{SERVICE} answered {}", reply.status));
        }
        let answer = serde_json::from_slice(&reply.body)
            .map_err(|_| format!("{SERVICE} answered something other than JSON"))?;
        keystore_answer(answer)
    }
}
