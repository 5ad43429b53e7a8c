//! The service account key and the administrator's address, as the keystore has them.

use async_trait::async_trait;
use serde_json::{Value, json};
use yup_oauth2::ServiceAccountKey;

/// Keystore namespace of the credentials.
pub const NAMESPACE: &str = "default";
/// Keystore key of the service account's JSON text.
pub const KEY: &str = "GAPI_KEY";
/// Keystore key of the administrator's email address.
pub const ADMIN_EMAIL: &str = "GAPI_ADMIN_EMAIL";

/// Where secrets come from. The binary asks wrappedkeystore.
#[async_trait]
pub trait CredentialSource: Send + Sync + 'static {
    /// The value of a key, or `None` when it is not set.
    ///
    /// # Errors
    /// Why there is no answer, without secrets.
    async fn get_key(&self, namespace: &str, key: &str) -> Result<Option<Value>, SourceError>;
}

/// Why a source gives no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// It may answer later.
    #[error("{0}")]
    Unavailable(String),
    /// It cannot open what it has until somebody does what the text says.
    #[error("{0}")]
    Locked(String),
}

/// Usable credentials. There is no `Debug` on purpose: they hold the private key.
#[derive(Clone)]
pub struct Credentials {
    /// The service account.
    pub key: ServiceAccountKey,
    /// The administrator to act as where no user is named.
    pub admin_email: String,
}

/// Credentials that are absent or unusable. Texts name the key and the fix, never the content.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CredentialError {
    /// The keystore did not answer.
    #[error("cannot read {key} from the keystore: {cause}")]
    Unavailable {
        /// Keystore key.
        key: &'static str,
        /// Why.
        cause: String,
    },
    /// The keystore has it and cannot open it.
    #[error("cannot read {key} from the keystore: {fix}")]
    Locked {
        /// Keystore key.
        key: &'static str,
        /// What the keystore says that is to be done.
        fix: String,
    },
    /// The key is not set.
    #[error("{key} is not set in the keystore (namespace default); fix: {}", fix(key))]
    Missing {
        /// Keystore key.
        key: &'static str,
    },
    /// The key is set to something unusable.
    #[error(
        "{key} in the keystore (namespace default) is not usable: {problem}; fix: {}",
        fix(key)
    )]
    Invalid {
        /// Keystore key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// Reads both keys, unparsed.
///
/// # Errors
/// When the source cannot be asked or a key is not set.
pub async fn read(source: &dyn CredentialSource) -> Result<(Value, Value), CredentialError> {
    let key = read_one(source, KEY).await?;
    let admin = read_one(source, ADMIN_EMAIL).await?;
    Ok((key, admin))
}

async fn read_one(
    source: &dyn CredentialSource,
    key: &'static str,
) -> Result<Value, CredentialError> {
    let value = source.get_key(NAMESPACE, key).await.map_err(|error| match error {
        SourceError::Unavailable(cause) => CredentialError::Unavailable { key, cause },
        SourceError::Locked(fix) => CredentialError::Locked { key, fix },
    })?;
    let empty =
        |value: &Value| value.is_null() || value.as_str().is_some_and(|s| s.trim().is_empty());
    value.filter(|value| !empty(value)).ok_or(CredentialError::Missing { key })
}

/// Checks both values.
///
/// # Errors
/// [`CredentialError::Invalid`] naming the key and what is wrong with it.
pub fn check(key: &Value, admin: &Value) -> Result<Credentials, CredentialError> {
    let invalid =
        |key, problem: &str| CredentialError::Invalid { key, problem: problem.to_owned() };
    let admin = admin.as_str().map(str::trim).unwrap_or_default();
    if !admin.contains('@') {
        return Err(invalid(ADMIN_EMAIL, "it must be an email address"));
    }
    let text = match key {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let parsed: Value = serde_json::from_str(&text).map_err(|_| invalid(KEY, "it is not JSON"))?;
    if parsed.get("type").and_then(Value::as_str).is_some_and(|kind| kind != "service_account") {
        return Err(invalid(KEY, "its \"type\" is not \"service_account\""));
    }
    for field in ["client_email", "private_key", "token_uri"] {
        if parsed.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(invalid(KEY, &format!("it has no \"{field}\"")));
        }
    }
    let key: ServiceAccountKey = serde_json::from_value(parsed)
        .map_err(|_| invalid(KEY, "it is no service account key file"))?;
    // yup-oauth2 panics on an address that is not one.
    if !is_http(&key.token_uri) {
        return Err(invalid(KEY, "its \"token_uri\" is no http(s) address"));
    }
    Ok(Credentials { key, admin_email: admin.to_owned() })
}

fn is_http(text: &str) -> bool {
    let uri =
        text.parse::<http::Uri>().ok().filter(|uri| uri.host().is_some_and(|h| !h.is_empty()));
    uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")))
}

fn fix(key: &str) -> &'static str {
    if key == KEY {
        "tasker keystore set GAPI_KEY @key.json"
    } else {
        "tasker keystore set GAPI_ADMIN_EMAIL admin@your-domain"
    }
}

/// The keystore request for one key: an action, since credentials are not answered to the calls of
/// task code.
pub fn keystore_request(namespace: &str, key: &str) -> Value {
    json!({"action": "getKey", "namespace": namespace, "key": key})
}

/// Reads the keystore's answer: the bare value, or the same within one or two
/// `{"success": true, "data": ...}` envelopes.
///
/// # Errors
/// The keystore's error text.
pub fn keystore_answer(answer: Value) -> Result<Option<Value>, String> {
    match answer {
        Value::Null => Ok(None),
        Value::Object(mut fields) if fields.get("success").is_some_and(Value::is_boolean) => {
            if fields["success"] == Value::Bool(true) {
                return keystore_answer(fields.remove("data").unwrap_or_default());
            }
            let error = fields.get("error").and_then(Value::as_str).unwrap_or("no reason given");
            Err(error.to_owned())
        }
        value => Ok(Some(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Value {
        json!({"type": "service_account", "client_email": "sa@p.iam", "private_key": "pem",
               "token_uri": "https://oauth2.googleapis.com/token"})
    }

    fn problem(key: Value, admin: Value) -> String {
        check(&key, &admin).err().expect("refused").to_string()
    }

    #[test]
    fn a_key_is_accepted_as_text_and_as_object() {
        let admin = json!(" admin@x ");
        assert_eq!(check(&json!(key().to_string()), &admin).ok().unwrap().admin_email, "admin@x");
        assert_eq!(check(&key(), &admin).ok().unwrap().key.client_email, "sa@p.iam");
    }

    #[test]
    fn a_bad_key_is_described_without_its_content() {
        let admin = json!("admin@x");
        let with = |field: &str, value: Value| {
            let mut key = key();
            key[field] = value;
            key
        };
        assert!(problem(json!("secret stuff"), admin.clone()).contains("GAPI_KEY"));
        assert!(!problem(json!("secret stuff"), admin.clone()).contains("secret"));
        assert!(problem(with("private_key", Value::Null), admin.clone()).contains("private_key"));
        assert!(problem(with("type", json!("authorized_user")), admin.clone()).contains("type"));
        for uri in ["not a uri", "ftp://x/", "/token", "http://", "localhost:1/token", ""] {
            assert!(
                problem(with("token_uri", json!(uri)), admin.clone()).contains("token_uri"),
                "{uri}"
            );
        }
        let text = problem(key(), json!("nobody"));
        assert!(text.contains("tasker keystore set GAPI_ADMIN_EMAIL"), "{text}");
    }

    #[test]
    fn the_keystores_answer_is_unwrapped() {
        let value = Some(json!("v"));
        assert_eq!(keystore_answer(json!("v")).unwrap(), value);
        assert_eq!(keystore_answer(json!({"success": true, "data": "v"})).unwrap(), value);
        let twice = json!({"success": true, "data": {"success": true, "data": "v"}});
        assert_eq!(keystore_answer(twice).unwrap(), value);
        assert_eq!(keystore_answer(json!({"success": true, "data": null})).unwrap(), None);
        assert_eq!(keystore_answer(Value::Null).unwrap(), None);
        assert_eq!(keystore_answer(key()).unwrap(), Some(key()));
        assert_eq!(keystore_answer(json!({"success": false, "error": "no"})).unwrap_err(), "no");
    }
}
