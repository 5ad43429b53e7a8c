//! What a failed call answers.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::credentials::CredentialError;
use crate::google_error::GoogleError;
use crate::token_error::TokenError;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The arguments do not fit the method.
    #[error("{0}")]
    Arguments(String),
    /// No credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// No token.
    #[error("{source}")]
    Token {
        /// Why.
        source: TokenError,
        /// What to do about it.
        hint: Option<String>,
        /// When to try again, if that may help.
        retry: Option<Duration>,
    },
    /// Google answered an error.
    #[error("Google API returned {}: {}", .error.status.as_u16(), .error.message)]
    Google {
        /// The answer.
        error: Box<GoogleError>,
        /// When to try again, if that may help.
        retry: Option<Duration>,
    },
    /// Google did not answer.
    #[error("Google API did not answer: {cause}")]
    Network {
        /// Why, without the address.
        cause: String,
        /// Whether time ran out.
        timeout: bool,
        /// Whether Google may have acted upon the request.
        sent: bool,
        /// When to try again, if that is safe.
        retry: Option<Duration>,
    },
    /// Google answered something that cannot be passed on.
    #[error("Google API answer cannot be used: {0}")]
    Answer(String),
}

impl CallError {
    /// The HTTP status to answer with: Google's own where Google answered.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Arguments(_) => StatusCode::BAD_REQUEST,
            Self::Credentials(CredentialError::Unavailable { .. }) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            // Not 500: asking again changes nothing until somebody sets the key.
            Self::Credentials(_) => StatusCode::FAILED_DEPENDENCY,
            Self::Token { source: TokenError::Denied { .. }, .. } => StatusCode::FORBIDDEN,
            Self::Token { source: TokenError::Key(_), .. } => StatusCode::FAILED_DEPENDENCY,
            Self::Token { source: TokenError::Transient(_), .. } => StatusCode::BAD_GATEWAY,
            // A redirect or 304 would mean something else to our caller.
            Self::Google { error, .. } if error.status.as_u16() < 400 => StatusCode::BAD_GATEWAY,
            Self::Google { error, .. } => error.status,
            Self::Network { timeout: true, .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Network { .. } | Self::Answer(_) => StatusCode::BAD_GATEWAY,
        }
    }

    fn reason(&self) -> &str {
        match self {
            Self::Arguments(_) => "invalidArgument",
            Self::Credentials(CredentialError::Unavailable { .. }) => "keystoreUnavailable",
            Self::Credentials(CredentialError::Locked { .. }) => "keystoreLocked",
            Self::Credentials(CredentialError::Missing { .. }) => "credentialsMissing",
            Self::Credentials(CredentialError::Invalid { .. }) => "credentialsInvalid",
            Self::Token { source: TokenError::Denied { code, .. }, .. } => code,
            Self::Token { source: TokenError::Key(_), .. } => "credentialsInvalid",
            Self::Token { source: TokenError::Transient(_), .. } => "tokenEndpointUnavailable",
            Self::Google { error, .. } => &error.reason,
            Self::Network { timeout: true, .. } => "timeout",
            Self::Network { sent: true, .. } => "connectionLost",
            Self::Network { .. } => "unreachable",
            Self::Answer(_) => "badAnswer",
        }
    }

    fn retry(&self) -> Option<Duration> {
        match self {
            Self::Token { retry, .. }
            | Self::Google { retry, .. }
            | Self::Network { retry, .. } => *retry,
            Self::Credentials(CredentialError::Unavailable { .. }) => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    fn hint(&self) -> Option<&str> {
        match self {
            Self::Token { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }

    /// The answer to send. `label` opens the error text, as in the original: `User list error`.
    pub fn answer(&self, label: &str) -> Response {
        let hint = self.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
        let mut body = json!({
            "error": format!("{label}: {self}{hint}"),
            "status": self.status().as_u16(),
            "reason": self.reason(),
            "retryable": self.retry().is_some(),
        });
        if let Some(wait) = self.retry() {
            body["retryAfterMs"] = (u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)).into();
        }
        if let Some(hint) = self.hint() {
            body["hint"] = hint.into();
        }
        if let Self::Google { error, .. } = self {
            let google = error.body.get("error").filter(|e| e.is_object()).unwrap_or(&error.body);
            body["google"] = google.clone();
        }
        body["timestamp"] = timestamp().into();
        let mut response = (self.status(), Json(body)).into_response();
        if let Some(wait) = self.retry() {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The words with which the original opened the errors of its four methods; other methods are
/// called by their path.
pub fn label(path: &str) -> String {
    match path {
        "admin.domains.list" => "Domain list error".to_owned(),
        "admin.users.list" => "User list error".to_owned(),
        "gmail.users.messages.list" => "Gmail messages list error".to_owned(),
        "gmail.users.messages.get" => "Gmail message get error".to_owned(),
        other => format!("{other} error"),
    }
}

/// Now, as JavaScript's `toISOString` writes it.
pub fn timestamp() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A JSON answer with a status.
pub fn json_answer(status: StatusCode, body: Value) -> Response {
    (status, Json(body)).into_response()
}
