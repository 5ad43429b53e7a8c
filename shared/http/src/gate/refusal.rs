//! Refusals in the words of Supabase's own gateways.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::ApiError;

/// Why a request does not get through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No credential at all.
    NoHeader,
    /// Not `Bearer <token>`, sent twice, or no token.
    Format,
    /// An HS256 token that does not hold.
    Legacy,
    /// An ES256 or RS256 token that does not hold.
    Asymmetric,
    /// An algorithm that is not taken, with its name.
    Algorithm(String),
    /// An `sb_...` key that is not ours.
    Key,
    /// Known, but not the service role.
    Forbidden,
    /// The key set could never be fetched: nothing can be said about the token.
    NoKeySet,
    /// Switched off in config.toml.
    Disabled,
}

impl Refusal {
    /// Whether the fault is on this side.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self, Self::NoKeySet)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        use StatusCode as S;
        let (status, code, message) = match self {
            Self::NoHeader => {
                (S::UNAUTHORIZED, "UNAUTHORIZED_NO_AUTH_HEADER", "Missing authorization header")
            }
            Self::Format => {
                (S::UNAUTHORIZED, "UNAUTHORIZED_INVALID_JWT_FORMAT", "Invalid JWT format")
            }
            Self::Legacy => (S::UNAUTHORIZED, "UNAUTHORIZED_LEGACY_JWT", "Invalid JWT"),
            Self::Asymmetric => (S::UNAUTHORIZED, "UNAUTHORIZED_ASYMMETRIC_JWT", "Invalid JWT"),
            Self::Algorithm(name) => {
                let message = format!("Unsupported JWT algorithm {}", printable(&name));
                let code = "UNAUTHORIZED_UNSUPPORTED_TOKEN_ALGORITHM";
                return ApiError::coded(S::UNAUTHORIZED, code, message).into_response();
            }
            Self::Key => (S::UNAUTHORIZED, "INVALID_CREDENTIALS", "Invalid API key"),
            Self::Forbidden => (
                S::FORBIDDEN,
                "FORBIDDEN",
                "This route is for the service role: send the service role key or a secret key",
            ),
            Self::NoKeySet => {
                let cause = "the key set (JWKS) has not been fetched";
                return ApiError::unavailable(cause).into_response();
            }
            Self::Disabled => (S::NOT_FOUND, "NOT_FOUND", "Function not found"),
        };
        ApiError::coded(status, code, message).into_response()
    }
}

/// A stranger's word, short and plain enough to be repeated.
fn printable(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(16).collect()
}
