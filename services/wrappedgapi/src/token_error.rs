//! What went wrong at the token endpoint, and what to do about it.

use yup_oauth2::Error as YupError;

/// A token that could not be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenError {
    /// Asking again may help: no connection, a timeout, a 5xx, an answer that is no token.
    #[error("token endpoint: {0}")]
    Transient(String),
    /// The endpoint refused, and will refuse again.
    #[error("token endpoint answered {code}: {description}")]
    Denied {
        /// OAuth error code, such as `unauthorized_client`.
        code: String,
        /// Google's explanation.
        description: String,
    },
    /// The key cannot sign.
    #[error("GAPI_KEY cannot be used to sign: {0}")]
    Key(String),
}

/// OAuth error codes that say "not now" rather than "no".
const NOT_NOW: [&str; 7] = [
    "internal_failure",
    "internal_error",
    "server_error",
    "temporarily_unavailable",
    "backend_error",
    "rate_limit_exceeded",
    "quota_exceeded",
];

impl TokenError {
    /// The answer was accepted as one, yet holds no token. yup-oauth2 ignores the HTTP status, so
    /// this is what a JSON 503 of the endpoint looks like.
    pub fn without_token() -> Self {
        Self::Transient("the answer holds no access token".to_owned())
    }

    /// Nothing came back in time.
    pub fn timeout() -> Self {
        Self::Transient("no answer in time".to_owned())
    }

    /// Whether asking again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient(_))
    }

    /// Which setting to look at, given what was asked for.
    pub fn hint(&self, scope: &str, subject: &str, client_id: &str) -> Option<String> {
        let Self::Denied { code, description } = self else { return None };
        let delegate = format!(
            "in the Admin console under Security > API controls > Domain-wide delegation, grant \
             client ID {client_id} the scope {scope}, or list the scopes it has in GAPI_SCOPES"
        );
        Some(match code.as_str() {
            "unauthorized_client" | "access_denied" | "invalid_scope" | "admin_policy_enforced" => {
                delegate
            }
            "invalid_grant" if description.contains("short-lived") => {
                "set this machine's clock".to_owned()
            }
            "invalid_grant" if description.contains("Signature") => new_key(),
            "invalid_grant" | "invalid_request" => {
                format!("{subject} must be an active user of the Workspace")
            }
            "invalid_client" | "deleted_client" | "disabled_client" => new_key(),
            _ => return None,
        })
    }
}

fn new_key() -> String {
    "create a new key for the service account, then: tasker keystore set GAPI_KEY @key.json"
        .to_owned()
}

/// The error type of google-apis-common's `GetToken`.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl From<BoxError> for TokenError {
    fn from(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => *own,
            Err(other) => Self::Transient(other.to_string()),
        }
    }
}

impl From<YupError> for TokenError {
    fn from(error: YupError) -> Self {
        match error {
            YupError::AuthError(error) => {
                let code = error.error.as_str().to_owned();
                let description = error.error_description.unwrap_or_default();
                if NOT_NOW.contains(&code.as_str()) {
                    return Self::Transient(format!("{code}: {description}"));
                }
                Self::Denied { code, description }
            }
            // The parser's text could quote the body, and so a token: leave it out.
            YupError::JSONError(_) => Self::Transient("the answer is not JSON".to_owned()),
            YupError::MissingAccessToken => Self::without_token(),
            YupError::HttpError(error) => Self::Transient(error.to_string()),
            YupError::HttpClientError(error) => Self::Transient(error.to_string()),
            YupError::LowLevelError(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                Self::Transient("the answer is no bearer token".to_owned())
            }
            other => Self::Key(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_the_setting_to_change() {
        let hint = |code: &str, description: &str| {
            TokenError::Denied { code: code.into(), description: description.into() }
                .hint("scope", "liz@x", "1234")
                .unwrap_or_default()
        };
        assert!(hint("unauthorized_client", "").contains("grant client ID 1234 the scope scope"));
        assert!(hint("invalid_grant", "Invalid email or User ID").contains("liz@x"));
        assert!(hint("invalid_grant", "Invalid JWT Signature.").contains("GAPI_KEY"));
        assert!(hint("invalid_grant", "Token must be a short-lived token").contains("clock"));
        assert!(TokenError::timeout().hint("s", "u", "c").is_none());
    }
}
