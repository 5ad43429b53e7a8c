//! A JSON body, whatever its content type says (curl's default is a form).

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
};
use serde::de::DeserializeOwned;

use crate::{ApiError, relay};

/// Extractor: the parsed body, or 400 with the place of the mistake.
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(unreadable)?;
        parse(&bytes).map(Self)
    }
}

/// Extractor: one document or an array of them, as messages that travel together come.
pub struct JsonBodies<T>(pub Vec<T>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBodies<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Self::read(&Bytes::from_request(request, state).await.map_err(unreadable)?)
    }
}

impl<T: DeserializeOwned> JsonBodies<T> {
    /// What is in a body.
    ///
    /// # Errors
    /// 400 with the place of the mistake.
    pub fn read(bytes: &Bytes) -> Result<Self, ApiError> {
        if bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[') {
            let all: Vec<T> = parse(bytes)?;
            if all.is_empty() {
                return Err(ApiError::bad_request("Request parsing error: the list is empty"));
            }
            return Ok(Self(all));
        }
        parse(bytes).map(|one| Self(vec![one]))
    }
}

/// Too large, or broken off.
fn unreadable(error: BytesRejection) -> ApiError {
    let status = error.status();
    let message = format!("the body could not be read: {}", error.body_text());
    ApiError::coded(status, relay::code(status), message)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if bytes.is_empty() {
        return Err(ApiError::bad_request("Request parsing error: the body is empty, send JSON"));
    }
    serde_json::from_slice(bytes)
        .map_err(|e| ApiError::bad_request(format!("Request parsing error: {e}")))
}
