//! One attempt that failed.

use std::time::Duration;

use google_apis_common::Retry;
use http::StatusCode;

use crate::error::CallError;
use crate::google_error::GoogleError;
use crate::retry::RetryPolicy;

/// An attempt that failed.
pub enum Failure {
    /// Google answered an error.
    Google(Box<GoogleError>),
    /// There was no answer; `sent` unless the connection was never made.
    Network {
        /// Why, without the address.
        cause: String,
        /// Whether time ran out.
        timeout: bool,
        /// Whether Google may have seen the request.
        sent: bool,
    },
    /// The answer cannot be used.
    Answer(String),
}

impl Failure {
    /// The token was refused.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Google(error) if error.status == StatusCode::UNAUTHORIZED)
    }

    /// Asks the policy.
    pub fn retry(&self, policy: &mut RetryPolicy) -> Retry {
        match self {
            Self::Google(error) => policy.google(error),
            Self::Network { sent, .. } => policy.network(*sent),
            Self::Answer(_) => Retry::Abort,
        }
    }

    /// The end of the call.
    pub fn into_error(self, retry: Option<Duration>) -> CallError {
        match self {
            Self::Google(error) => CallError::Google { error, retry },
            Self::Network { cause, timeout, sent } => {
                CallError::Network { cause, timeout, sent, retry }
            }
            Self::Answer(problem) => CallError::Answer(problem),
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        let (timeout, sent) = (error.is_timeout(), !error.is_connect());
        // Without the address: it may hold a user's query.
        let error = error.without_url();
        let mut innermost: &dyn std::error::Error = &error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Self::Network { cause: innermost.to_string(), timeout, sent }
    }
}
