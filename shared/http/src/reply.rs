//! What comes of a request to another service.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

/// A service's answer.
#[derive(Debug)]
pub struct PeerReply {
    /// HTTP status.
    pub status: StatusCode,
    /// `Retry-After`, when it was given in seconds.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Bytes,
}

/// A call that got no answer.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The request never left: repeating it is safe.
    #[error("cannot reach {service}: {cause}")]
    NotSent {
        /// Name of the service.
        service: String,
        /// Why, without address or key.
        cause: String,
    },
    /// The request may have been acted upon.
    #[error("{service} did not answer: {cause}")]
    Unknown {
        /// Name of the service.
        service: String,
        /// Why, without address or key.
        cause: String,
    },
    /// The answer is longer than the caller takes.
    #[error("{service} answered more than {most} bytes")]
    TooLarge {
        /// Name of the service.
        service: String,
        /// Bytes that the caller takes.
        most: usize,
    },
}
