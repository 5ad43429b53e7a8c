//! How services reach each other: calls that wait for the answer, and triggers that do not.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::Router;
use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde::Serialize;
use tokio_util::task::TaskTracker;

use crate::{
    CommonArgs, Direct, Registered,
    client::{APIKEY, Client, JSON, Outgoing, filled, show},
    direct::DIRECT,
    mount::within,
    outbox::Outbox,
    reply::{PeerError, PeerReply},
};

/// The other services' addresses and one connection pool. Cheap to clone.
#[derive(Clone)]
pub struct Peers(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    client: Client,
    functions_url: String,
    service_urls: HashMap<String, String>,
    /// Services that others wrote: they are not shown the key.
    registered: HashMap<String, Registered>,
    /// What a service shows another: the key, and that it is one.
    shown: HeaderMap,
    triggers: TaskTracker,
    outbox: Arc<Outbox>,
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
        let client = Client::new()?;
        let functions_url = functions_url.trim_end_matches('/').to_owned();
        let triggers = TaskTracker::new();
        let registered = HashMap::new();
        let outbox = Arc::default();
        let shown = shown(key.as_deref());
        let inner =
            Inner { client, functions_url, service_urls, registered, shown, triggers, outbox };
        Ok(Self(Arc::new(inner)))
    }

    /// Adds or replaces the address of `service`.
    pub fn with_service(self, service: &str, url: String) -> Self {
        let mut inner = (*self.0).clone();
        inner.service_urls.insert(service.to_owned(), url);
        Self(Arc::new(inner))
    }

    /// Adds services that others wrote, each by its name.
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

    /// Services of this very process: requests to them do not leave it, unless they were given an
    /// address of their own.
    pub fn serve_locally(&self, routes: Router, direct: Direct) {
        self.0.client.serve_locally(within(routes), direct);
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
        let request = self.request(Method::POST, service, path, timeout, usize::MAX);
        self.0.client.send(filled(request, body, headers)?).await
    }

    /// Posts and answers the reply, of whose body no more than `most` bytes are read.
    pub async fn post_for(
        &self,
        service: &str,
        body: &(impl Serialize + Sync),
        headers: &[(&'static str, String)],
        timeout: Duration,
        most: usize,
    ) -> Result<PeerReply, PeerError> {
        let request = self.request(Method::POST, service, "", timeout, most);
        self.0.client.send(filled(request, body, headers)?).await
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
        let request = self.request(Method::GET, service, path, timeout, usize::MAX);
        self.0.client.send(request).await
    }

    /// One delivery of messages to an address.
    pub(crate) async fn deliver_once(
        &self,
        service: &str,
        url: &str,
        own: bool,
        body: Bytes,
        timeout: Duration,
    ) -> Result<PeerReply, PeerError> {
        let mut request = self.request(Method::POST, service, "", timeout, 1 << 20);
        request.headers.insert(header::CONTENT_TYPE, JSON);
        url.clone_into(&mut request.url);
        request.own &= own;
        request.body = body;
        self.0.client.send(request).await
    }

    /// Address of a service that is one of our own.
    pub(crate) fn url(&self, service: &str, path: &str) -> String {
        match self.0.service_urls.get(service) {
            Some(url) => format!("{url}{path}"),
            None => format!("{}/{service}{path}", self.0.functions_url),
        }
    }

    pub(crate) fn outbox(&self) -> Arc<Outbox> {
        self.0.outbox.clone()
    }

    /// Work that a drain waits for.
    pub(crate) fn tracked(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.triggers.spawn(work);
    }

    /// A request to a service, with the key that it may see.
    fn request(
        &self,
        method: Method,
        service: &str,
        path: &str,
        timeout: Duration,
        most: usize,
    ) -> Outgoing {
        let inner = &self.0;
        let given = inner.service_urls.contains_key(service);
        let other = inner.registered.get(service).filter(|_| !given);
        let (url, headers) = match other {
            Some(other) => {
                let mut headers = HeaderMap::new();
                show(
                    &mut headers,
                    header::AUTHORIZATION,
                    other.token.as_ref().map(|t| format!("Bearer {}", t.expose())),
                );
                (format!("{}{path}", other.url), headers)
            }
            None => (self.url(service, path), inner.shown.clone()),
        };
        let own = other.is_none() && !given;
        let (service, body) = (service.to_owned(), Bytes::new());
        Outgoing { service, url, method, headers, body, timeout, most, own }
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
            tasker_fault::point("trigger", "before");
            for attempt in 0..3u32 {
                match peers.post(service, "", &body, &[], Duration::from_secs(10)).await {
                    Ok(reply) if reply.status.is_success() => return,
                    Ok(reply) => tracing::warn!(service, status = %reply.status, "trigger refused"),
                    Err(error) => tracing::warn!(service, %error, attempt, "trigger failed"),
                }
                if tasker_fault::on("nofallback") {
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

/// What a service with this key shows others.
fn shown(key: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([DIRECT]);
    // Keys that are no tokens go without Authorization, as current clients send them.
    let token = key.filter(|key| !key.starts_with("sb_"));
    show(&mut headers, APIKEY, key.map(str::to_owned));
    show(&mut headers, header::AUTHORIZATION, token.map(|key| format!("Bearer {key}")));
    headers
}
