//! How services reach each other: calls that wait for the answer, and triggers that do not.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};
use serde::Serialize;
use tokio_util::task::TaskTracker;

use crate::{CommonArgs, Registered};

/// The other services' addresses and one connection pool. Cheap to clone.
#[derive(Clone)]
pub struct Peers(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    client: reqwest::Client,
    functions_url: String,
    service_urls: HashMap<String, String>,
    /// Services that others wrote: they are not shown the key.
    registered: HashMap<String, Registered>,
    key: Option<String>,
    triggers: TaskTracker,
}

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

impl Peers {
    /// Peers as the settings say.
    pub fn new(args: &CommonArgs) -> anyhow::Result<Self> {
        let (key, registered) = (args.gate.service_key(), args.services.registered()?);
        Ok(Self::at(&args.functions_url, args.service_urls(), key)?.with_registered(registered))
    }

    /// Peers below `functions_url`, but for those with an address of their own.
    pub fn at(
        functions_url: &str,
        service_urls: HashMap<String, String>,
        key: Option<String>,
    ) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true)
            .no_proxy()
            // A redirect would carry the key's header to wherever it points.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let functions_url = functions_url.trim_end_matches('/').to_owned();
        let triggers = TaskTracker::new();
        let registered = HashMap::new();
        let inner = Inner { client, functions_url, service_urls, registered, key, triggers };
        Ok(Self(Arc::new(inner)))
    }

    /// The same peers, with `service` reached at `url`.
    pub fn with_service(self, service: &str, url: String) -> Self {
        let mut inner = (*self.0).clone();
        inner.service_urls.insert(service.to_owned(), url);
        Self(Arc::new(inner))
    }

    /// The same peers, and services that others wrote.
    pub fn with_registered(self, registered: HashMap<String, Registered>) -> Self {
        let mut inner = (*self.0).clone();
        inner.registered.extend(registered);
        Self(Arc::new(inner))
    }

    /// Whether `service` is one of our own, was given an address or is registered.
    pub fn knows(&self, service: &str) -> bool {
        tasker_core::call::SERVICES.contains(&service)
            || self.0.service_urls.contains_key(service)
            || self.0.registered.contains_key(service)
    }

    /// The service that task code calls `name`, if [`Peers::knows`] it.
    pub fn resolve(&self, name: &str) -> Option<String> {
        tasker_core::call::registered(name, |name| self.knows(name))
    }

    /// Names that [`Peers::knows`].
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            tasker_core::call::SERVICES.iter().map(|s| (*s).to_owned()).collect();
        let mut more: Vec<&String> =
            self.0.service_urls.keys().chain(self.0.registered.keys()).collect();
        more.sort();
        for name in more {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// POSTs JSON to `<service><path>` and waits for the answer, `timeout` at most.
    pub async fn post(
        &self,
        service: &str,
        path: &str,
        body: &(impl Serialize + Sync),
        headers: &[(&'static str, String)],
        timeout: Duration,
    ) -> Result<PeerReply, PeerError> {
        let request = self.request(Method::POST, service, path).timeout(timeout).json(body);
        answer(service, with_headers(request, headers), usize::MAX).await
    }

    /// The same; of a longer answer than `most` bytes no more is read.
    pub async fn post_for(
        &self,
        service: &str,
        body: &(impl Serialize + Sync),
        headers: &[(&'static str, String)],
        timeout: Duration,
        most: usize,
    ) -> Result<PeerReply, PeerError> {
        let request = self.request(Method::POST, service, "").timeout(timeout).json(body);
        answer(service, with_headers(request, headers), most).await
    }

    /// Whether somebody is there: a `GET` on the service is answered at once, and well.
    pub async fn answers(&self, service: &str) -> bool {
        let reply = self.get(service, "", Duration::from_secs(2)).await;
        reply.is_ok_and(|reply| reply.status.is_success())
    }

    /// GETs `<service><path>`, with a query if the path has one.
    pub async fn get(
        &self,
        service: &str,
        path: &str,
        timeout: Duration,
    ) -> Result<PeerReply, PeerError> {
        answer(service, self.request(Method::GET, service, path).timeout(timeout), usize::MAX).await
    }

    /// A request to a service, with the key that it may see.
    fn request(&self, method: Method, service: &str, path: &str) -> reqwest::RequestBuilder {
        let inner = &self.0;
        if let (None, Some(other)) =
            (inner.service_urls.get(service), inner.registered.get(service))
        {
            let request = inner.client.request(method, format!("{}{path}", other.url));
            return match &other.token {
                Some(token) => request.bearer_auth(token.expose()),
                None => request,
            };
        }
        let url = match inner.service_urls.get(service) {
            Some(url) => format!("{url}{path}"),
            None => format!("{}/{service}{path}", inner.functions_url),
        };
        let request = inner.client.request(method, url);
        match &inner.key {
            // Keys that are no tokens go without Authorization, as current clients send them.
            Some(key) if key.starts_with("sb_") => request.header("apikey", key),
            Some(key) => request.header("apikey", key).bearer_auth(key),
            None => request,
        }
    }

    /// Fire and forget: sends after the caller has moved on, three tries with jitter.
    ///
    /// `lost` runs if no try got an answer. A lost trigger loses nothing: the row is in the
    /// database, and the next trigger, timer or start of a processor finds it.
    pub fn trigger<T: Serialize + Send + Sync + 'static>(
        &self,
        service: &'static str,
        body: T,
        lost: impl Future<Output = ()> + Send + 'static,
    ) {
        let peers = self.clone();
        self.0.triggers.spawn(async move {
            tasker_core::fault::point("trigger", "before");
            for attempt in 0..3u32 {
                match peers.post(service, "", &body, &[], Duration::from_secs(10)).await {
                    Ok(reply) if reply.status.is_success() => return,
                    Ok(reply) => tracing::warn!(service, status = %reply.status, "trigger refused"),
                    Err(error) => tracing::warn!(service, %error, attempt, "trigger failed"),
                }
                if tasker_core::fault::on("nofallback") {
                    return;
                }
                let backoff = rand::random_range(20..120) << (2 * attempt);
                tokio::time::sleep(Duration::from_millis(backoff)).await;
            }
            lost.await;
        });
    }

    /// Waits for the triggers under way; part of the drain.
    pub async fn drain(&self) {
        self.0.triggers.close();
        let _ = tokio::time::timeout(Duration::from_secs(3), self.0.triggers.wait()).await;
    }
}

fn with_headers(
    request: reqwest::RequestBuilder,
    headers: &[(&'static str, String)],
) -> reqwest::RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, value))
}

async fn answer(
    service: &str,
    request: reqwest::RequestBuilder,
    most: usize,
) -> Result<PeerReply, PeerError> {
    let failed = |e: reqwest::Error| failure(service, e);
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status();
    let retry_after = response
        .headers()
        .get(http::header::RETRY_AFTER)
        .and_then(|v| v.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > most {
            return Err(PeerError::TooLarge { service: service.to_owned(), most });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(PeerReply { status, retry_after, body: body.freeze() })
}

fn failure(service: &str, error: reqwest::Error) -> PeerError {
    let service = service.to_owned();
    let not_sent = error.is_connect() || error.is_builder();
    let timed_out = error.is_timeout();
    // The address stays out of the text: it may carry credentials.
    let cause = std::error::Error::source(&error.without_url()).map_or_else(
        || if timed_out { "timed out".into() } else { "no answer".into() },
        ToString::to_string,
    );
    if not_sent {
        PeerError::NotSent { service, cause }
    } else {
        PeerError::Unknown { service, cause }
    }
}
