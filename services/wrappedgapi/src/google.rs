//! One request to Google's APIs, and its answer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header;
use reqwest::{Client, RequestBuilder, Response};

use crate::config::Config;
use crate::failure::Failure;
use crate::google_error::GoogleError;
use crate::request::{GoogleRequest, Payload};

/// The way to Google's APIs.
pub struct Google {
    /// One connection pool for all users.
    pub client: Client,
    /// How long one call is tried.
    pub retry_budget: Duration,
    /// How long the transfer of media may take.
    pub media_timeout: Duration,
    max_response_bytes: usize,
}

/// A success of Google.
#[derive(Debug)]
pub struct Reply {
    /// Its media type.
    pub content_type: Option<String>,
    /// Its body.
    pub body: Bytes,
}

// Google compresses only for clients whose User-Agent says "gzip".
const USER_AGENT: &str = concat!("tasker-wrappedgapi/", env!("CARGO_PKG_VERSION"), " (gzip)");
const REDIRECTS: usize = 5;

impl Google {
    /// A client with the given TLS configuration.
    ///
    /// # Errors
    /// When reqwest refuses its settings.
    pub fn new(mut tls: rustls::ClientConfig, config: &Config) -> Result<Self, reqwest::Error> {
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(USER_AGENT)
            .connect_timeout(config.connect_timeout)
            .redirect(reqwest::redirect::Policy::limited(REDIRECTS))
            .tcp_nodelay(true)
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            retry_budget: config.retry_budget,
            media_timeout: config.media_timeout,
            max_response_bytes: config.max_response_bytes,
        })
    }

    /// The request with its headers and body, but for a resumable one's.
    pub fn begin(&self, request: &GoogleRequest, token: Option<&str>) -> RequestBuilder {
        let mut builder = self.client.request(request.method.clone(), request.url.clone());
        if let Some(token) = token {
            builder = builder.bearer_auth(token);
        }
        match &request.payload {
            Payload::Bytes(content_type, bytes) => {
                builder.header(header::CONTENT_TYPE, content_type).body(bytes.clone())
            }
            // Google's front ends answer 411 to a POST without a length.
            Payload::Empty if request.method != http::Method::GET => {
                builder.header(header::CONTENT_LENGTH, 0)
            }
            Payload::Empty | Payload::Resumable { .. } => builder,
        }
    }

    /// Reads an answer, however it turned out.
    pub async fn read(&self, mut response: Response) -> Result<Reply, Failure> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(Failure::from)? {
            if body.len() + chunk.len() > self.max_response_bytes {
                let limit = self.max_response_bytes;
                return Err(Failure::Answer(format!(
                    "it is larger than {limit} bytes (GAPI_MAX_RESPONSE_BYTES); ask for less with \
                     \"fields\" or a smaller page"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(Failure::Google(Box::new(GoogleError::parse(status, &headers, &body))));
        }
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        Ok(Reply { content_type: content_type.map(str::to_owned), body: body.freeze() })
    }
}
