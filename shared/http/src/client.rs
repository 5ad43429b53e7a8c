//! How a request to another service goes out: in memory to a service of this very process, over
//! hyper's own client to an `http:` or `unix:` address, over reqwest to what lies behind TLS.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::{
    client::legacy::{
        Client as Hyper,
        connect::{Connect, HttpConnector},
    },
    rt::{TokioExecutor, TokioTimer},
};
use serde::Serialize;
use tower::ServiceExt as _;

use crate::{
    direct::Direct,
    reply::{PeerError, PeerReply},
    unix::{self, Sockets},
};

/// A server that does not answer a connection by then is not there.
const CONNECT: Duration = Duration::from_secs(5);

/// One request.
pub struct Outgoing {
    /// Name of the service, for errors.
    pub service: String,
    /// Address, path included.
    pub url: String,
    pub method: Method,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub timeout: Duration,
    /// Of a longer answer no more is read, bytes.
    pub most: usize,
    /// It is for a service of this process, if that serves any.
    pub own: bool,
}

/// The ways out. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    plain: Hyper<HttpConnector, Full<Bytes>>,
    sockets: Hyper<Sockets, Full<Bytes>>,
    tls: reqwest::Client,
    local: Arc<OnceLock<(Router, Direct)>>,
}

impl Client {
    pub fn new() -> anyhow::Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let mut pooled = Hyper::builder(TokioExecutor::new());
        pooled.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(60));
        let (plain, sockets) = (pooled.build(connector), pooled.build(Sockets));
        let tls = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .no_proxy()
            // A redirect would carry the key's header to wherever it points.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { plain, sockets, tls, local: Arc::default() })
    }

    /// Services of this very process: requests to them do not leave it.
    pub fn serve_locally(&self, routes: Router, direct: Direct) {
        let _ = self.local.set((routes, direct));
    }

    /// Sends it and reads the answer.
    pub async fn send(&self, request: Outgoing) -> Result<PeerReply, PeerError> {
        let (service, timeout) = (request.service.clone(), request.timeout);
        let answer = async {
            match self.local.get().filter(|_| request.own) {
                Some((routes, direct)) => locally(routes, direct, request).await,
                None if request.url.starts_with("http://") => plainly(&self.plain, request).await,
                None if request.url.starts_with(unix::SCHEME) => {
                    let url = unix::uri(&request.url).unwrap_or_default();
                    plainly(&self.sockets, Outgoing { url, ..request }).await
                }
                None => self.over_tls(request).await,
            }
        };
        let late = || PeerError::Unknown { service, cause: "timed out".into() };
        tokio::time::timeout(timeout, answer).await.unwrap_or_else(|_| Err(late()))
    }

    async fn over_tls(&self, out: Outgoing) -> Result<PeerReply, PeerError> {
        let (service, most) = (out.service.clone(), out.most);
        let request = self.tls.request(out.method, out.url).headers(out.headers).body(out.body);
        let response = request.send().await.map_err(|e| {
            let (not_sent, service) = (e.is_connect() || e.is_builder(), service.clone());
            // The address stays out of the text: it may carry credentials.
            let cause = reason(&e.without_url());
            if not_sent {
                PeerError::NotSent { service, cause }
            } else {
                PeerError::Unknown { service, cause }
            }
        })?;
        let response: http::Response<reqwest::Body> = response.into();
        read(service, response, most).await
    }
}

/// Without TLS, over TCP or a socket.
async fn plainly<C>(client: &Hyper<C, Full<Bytes>>, out: Outgoing) -> Result<PeerReply, PeerError>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let (service, most) = (out.service.clone(), out.most);
    let request = built(out, Full::new)?;
    let response = client.request(request).await.map_err(|e| {
        let cause = reason(&e);
        let service = service.clone();
        if e.is_connect() {
            PeerError::NotSent { service, cause }
        } else {
            PeerError::Unknown { service, cause }
        }
    })?;
    read(service, response, most).await
}

/// To a handler or a router of this process, without the guard of the outside.
async fn locally(routes: &Router, direct: &Direct, out: Outgoing) -> Result<PeerReply, PeerError> {
    let (service, most) = (out.service.clone(), out.most);
    let request = built(out, std::convert::identity)?;
    let response = match direct.of(&request).cloned() {
        Some(handler) => {
            let (parts, body) = request.into_parts();
            handler.run(parts.headers, body).await
        }
        None => match routes.clone().oneshot(request.map(Body::from)).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
    };
    read(service, response, most).await
}

fn built<B>(out: Outgoing, body: impl FnOnce(Bytes) -> B) -> Result<Request<B>, PeerError> {
    let Outgoing { service, url, method, headers, body: bytes, .. } = out;
    let request = Request::builder().method(method).uri(url).body(body(bytes));
    let mut request = request.map_err(|e| PeerError::NotSent { service, cause: e.to_string() })?;
    *request.headers_mut() = headers;
    Ok(request)
}

async fn read<B>(
    service: String,
    response: http::Response<B>,
    most: usize,
) -> Result<PeerReply, PeerError>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = response.into_parts();
    let retry_after = parts.headers.get(header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|v| v.to_str().ok()?.parse().ok());
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(PeerReply {
            status: parts.status,
            retry_after: retry_after.map(Duration::from_secs),
            body: body.to_bytes(),
        }),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(PeerError::TooLarge { service, most })
        }
        Err(error) => Err(PeerError::Unknown { service, cause: reason(error.as_ref()) }),
    }
}

/// The innermost reason: the outer ones only repeat that there was one.
fn reason(error: &dyn std::error::Error) -> String {
    let inner = std::iter::successors(error.source(), |e| e.source()).last();
    inner.map_or_else(|| "no answer".into(), ToString::to_string)
}

pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub const APIKEY: HeaderName = HeaderName::from_static("apikey");

/// A header that no log shows. One that no header can hold is left out: the service says what is
/// missing.
pub fn show(headers: &mut HeaderMap, name: HeaderName, value: Option<String>) {
    if let Some(mut value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}

/// A request with a body and headers.
pub fn filled(
    mut request: Outgoing,
    body: &impl Serialize,
    headers: &[(&'static str, String)],
) -> Result<Outgoing, PeerError> {
    let bad = |cause: String| PeerError::NotSent { service: request.service.clone(), cause };
    let bytes = serde_json::to_vec(body).map_err(|e| bad(e.to_string()))?;
    for (name, value) in headers {
        let value = HeaderValue::try_from(value).map_err(|e| bad(format!("{name}: {e}")))?;
        request.headers.insert(*name, value);
    }
    request.headers.insert(header::CONTENT_TYPE, JSON);
    request.body = bytes.into();
    Ok(request)
}
