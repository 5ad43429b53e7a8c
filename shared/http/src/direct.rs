//! What services send each other goes straight to its handler. The layers around a service are for
//! the outside, clients of all kinds, browsers and gateways, and cost more than most of what
//! services send. A request on this way says so in a header, shows the service key, and names the path
//! of a handler exactly; every other one goes through the layers, which lead to the same handlers.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc};

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};

use crate::{ApiError, Gate, mount::BODY_LIMIT, relay::code};

/// Marks a request for this way.
pub(crate) const DIRECT: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-tasker-direct"), HeaderValue::from_static("1"));

type Answer = BoxFuture<'static, Response>;

/// A handler of one path of one service.
#[derive(Clone)]
pub(crate) struct Handler {
    service: Arc<str>,
    run: Arc<dyn Fn(HeaderMap, Bytes) -> Answer + Send + Sync>,
}

/// Handlers, by the path that they are reached at. Cheap to clone.
#[derive(Clone, Default)]
pub struct Direct(Arc<HashMap<String, Handler>>);

impl Direct {
    /// Adds the handler of `POST /functions/v1/<service><path>`, which is given headers and body.
    #[must_use]
    pub fn with<F>(
        self,
        service: &str,
        path: &str,
        handler: impl Fn(HeaderMap, Bytes) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let run = Arc::new(move |headers, body| handler(headers, body).boxed());
        let handler = Handler { service: service.into(), run };
        let mut all = (*self.0).clone();
        all.insert(format!("/functions/v1/{service}{path}"), handler);
        Self(Arc::new(all))
    }

    /// The handlers of both.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let both = self.0.iter().chain(other.0.iter());
        Self(Arc::new(both.map(|(path, handler)| (path.clone(), handler.clone())).collect()))
    }

    /// The handler of a request that is marked for one.
    pub(crate) fn of<B>(&self, request: &Request<B>) -> Option<&Handler> {
        let uri = request.uri();
        let headers = request.headers();
        let marked = request.method() == Method::POST
            && uri.query().is_none()
            && headers.contains_key(&DIRECT.0);
        // How long a body may be is a matter of each service's own layers.
        let length =
            headers.get(header::CONTENT_LENGTH).and_then(|n| n.to_str().ok()?.parse().ok());
        let short = length.is_none_or(|n: usize| n <= BODY_LIMIT);
        self.0.get(uri.path()).filter(|_| marked && short)
    }
}

impl Handler {
    /// Whether this request shows the key of a service.
    pub(crate) fn admits(&self, gate: &Gate, headers: &HeaderMap) -> bool {
        gate.is_peer(&self.service, headers)
    }

    /// Reads the body and answers.
    pub(crate) async fn answer<B>(self, request: Request<B>) -> Response
    where
        B: hyper::body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => self.run(parts.headers, body.to_bytes()).await,
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                let message = format!("the body is longer than {BODY_LIMIT} bytes");
                ApiError::coded(status, code(status), message).into_response()
            }
            Err(error) => ApiError::bad_request(format!("the body could not be read: {error}"))
                .into_response(),
        }
    }

    /// Answers a body that is at hand.
    pub(crate) async fn run(&self, headers: HeaderMap, body: Bytes) -> Response {
        let answer = AssertUnwindSafe((self.run)(headers, body)).catch_unwind().await;
        let answer =
            answer.unwrap_or_else(|_| ApiError::internal("a handler panicked").into_response());
        tracing::debug!(service = %self.service, status = answer.status().as_u16(), "answered a peer");
        answer
    }
}

/// What a process serves: routes for everybody, and handlers for its peers.
pub struct Served {
    pub(crate) routes: axum::Router,
    pub(crate) direct: Direct,
}

impl From<axum::Router> for Served {
    fn from(routes: axum::Router) -> Self {
        Self { routes, direct: Direct::default() }
    }
}

impl From<(axum::Router, Direct)> for Served {
    fn from((routes, direct): (axum::Router, Direct)) -> Self {
        Self { routes, direct }
    }
}

/// Where requests enter: straight to a handler, or through the layers.
#[derive(Clone)]
pub(crate) struct Entry {
    pub routes: axum::Router,
    pub direct: Direct,
    /// Without one nobody is known to be a peer.
    pub gate: Option<Gate>,
}

impl Entry {
    /// `private`: over a way that no browser can take.
    pub async fn answer<B>(self, request: Request<B>, private: bool) -> Response
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        let gate = self.gate.as_ref().filter(|_| !private);
        if let Some(refused) = gate.and_then(|gate| gate.foreign(method, uri, headers)) {
            return refused.into_response();
        }
        let handler = self.gate.as_ref().and_then(|gate| {
            let handler = self.direct.of(&request)?;
            handler.admits(gate, request.headers()).then(|| handler.clone())
        });
        match handler {
            Some(handler) => handler.answer(request).await,
            None => match tower::ServiceExt::oneshot(self.routes, request.map(Body::new)).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
        }
    }
}
