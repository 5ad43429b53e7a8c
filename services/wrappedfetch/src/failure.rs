//! Why there is no response: what task code sees as a network error.

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

/// Why there is no response. The text names hosts at most, never a path, query or header: those
/// may hold secrets.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Request(String),
    #[error("the URL cannot be used: {0}")]
    Url(String),
    #[error("the scheme '{0}' is not http or https")]
    Scheme(String),
    #[error("port {0} is never fetched from")]
    Port(u16),
    #[error("the host {0} is not in TASKER_FETCH_ALLOW")]
    Host(String),
    #[error("the host has an address that is not public; TASKER_FETCH_ALLOW_PRIVATE can allow it")]
    Address,
    #[error("the name {0} has no address")]
    Name(String),
    #[error("no connection could be made: {0}")]
    Connect(String),
    #[error("the connection was lost before the answer was complete: {0}")]
    Lost(String),
    #[error("there was no complete answer within {} ms", .0.as_millis())]
    Time(Duration),
    #[error("the body is larger than {0} bytes (TASKER_FETCH_MAX_BYTES)")]
    Size(usize),
    #[error("the body is not {0}, which its Content-Encoding says it is")]
    Encoding(&'static str),
    #[error("more than {0} redirects")]
    Redirects(usize),
    #[error("the answer is a redirect: {0}")]
    Redirect(&'static str),
    #[error("the body does not have the digest that integrity asks for")]
    Integrity,
}

impl Failure {
    /// A word that task code can compare with.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Request(_) => "BadRequest",
            Self::Url(_) => "BadUrl",
            Self::Scheme(_) => "SchemeNotAllowed",
            Self::Port(_) => "PortNotAllowed",
            Self::Host(_) => "HostNotAllowed",
            Self::Address => "AddressNotAllowed",
            Self::Name(_) => "NameNotFound",
            Self::Connect(_) => "ConnectFailed",
            Self::Lost(_) => "ConnectionLost",
            Self::Time(_) => "TimeLimit",
            Self::Size(_) => "ResponseTooLarge",
            Self::Encoding(_) => "BadEncoding",
            Self::Redirects(_) => "TooManyRedirects",
            Self::Redirect(_) => "RedirectNotAllowed",
            Self::Integrity => "IntegrityMismatch",
        }
    }

    /// In the engine's terms: 503 is worth another attempt, 502 and 504 only if the request may be
    /// repeated, and the others never.
    fn status(&self) -> StatusCode {
        match self {
            Self::Request(_) | Self::Url(_) => StatusCode::BAD_REQUEST,
            Self::Scheme(_) | Self::Port(_) | Self::Host(_) | Self::Address => {
                StatusCode::FORBIDDEN
            }
            Self::Name(_) | Self::Connect(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Lost(_) => StatusCode::BAD_GATEWAY,
            Self::Time(_) => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// The answer. A plain fetch fails at its first network error, as the standard has it;
    /// `retry`: the task asked for more attempts.
    pub fn into_response(self, retry: bool) -> Response {
        let mut body = json!({
            "error": { "code": self.code(), "name": "FetchError", "message": self.to_string() },
        });
        if !retry {
            body["retryable"] = false.into();
        }
        (self.status(), Json(body)).into_response()
    }
}
