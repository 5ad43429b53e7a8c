//! Where connections are opened: the only place that knows addresses.

use std::{
    error::Error,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::{net::TcpStream, time::timeout};

use crate::{failure::Failure, rules::Rules};

/// The pooling client, over connections that the rules let pass.
pub type Client = legacy::Client<HttpsConnector<Guarded>, Full<Bytes>>;

type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, Failed>> + Send>>;

/// Answers the addresses of a name.
pub trait Lookup: Send + Sync {
    /// All of them, with `port`.
    fn lookup(
        &self,
        name: String,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + '_>>;
}

/// The system's resolver.
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(
        &self,
        name: String,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + '_>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, port)).await?.collect()) })
    }
}

/// Opens connections to addresses that the rules let pass.
#[derive(Clone)]
pub struct Guarded {
    rules: Arc<Rules>,
    lookup: Arc<dyn Lookup>,
    patience: Duration,
}

/// The failure of a connection, on its way through the client's own error.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Failed(#[from] Failure);

/// Makes the client.
///
/// # Errors
/// TLS that cannot be set up.
pub fn client(
    rules: Arc<Rules>,
    lookup: Arc<dyn Lookup>,
    patience: Duration,
) -> anyhow::Result<Client> {
    let tls = HttpsConnectorBuilder::new()
        .with_tls_config(tasker_http::client_tls()?)
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(Guarded { rules, lookup, patience });
    Ok(legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(30))
        .build(tls))
}

impl Guarded {
    /// Looks the host up, checks every address it has, and connects to the first that answers.
    async fn open(self, uri: Uri) -> Result<TcpStream, Failure> {
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(usual);
        let found = timeout(self.patience, self.lookup.lookup(host.clone(), port)).await;
        let found = match found {
            Ok(Ok(found)) if !found.is_empty() => found,
            Ok(_) => return Err(Failure::Name(host)),
            Err(_) => return Err(Failure::Connect("the name was not resolved in time".into())),
        };
        // One that may not be reached is enough: such a name is not to be trusted.
        found.iter().try_for_each(|address| self.rules.check_address(*address))?;
        let mut last = String::new();
        for address in found {
            match timeout(self.patience, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => last = error.kind().to_string(),
                Err(_) => "timed out".clone_into(&mut last),
            }
        }
        Err(Failure::Connect(last))
    }
}

impl tower::Service<Uri> for Guarded {
    type Response = TokioIo<TcpStream>;
    type Error = Failed;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        let guarded = self.clone();
        Box::pin(async move { Ok(TokioIo::new(guarded.open(uri).await?)) })
    }
}

/// The client's error as one of ours.
pub fn failure(error: &legacy::Error) -> Failure {
    let mut source: Option<&(dyn Error + 'static)> = error.source();
    let mut innermost = String::from("no answer");
    while let Some(cause) = source {
        if let Some(Failed(own)) = cause.downcast_ref::<Failed>() {
            return own.clone();
        }
        innermost = cause.to_string();
        source = cause.source();
    }
    if error.is_connect() { Failure::Connect(innermost) } else { Failure::Lost(innermost) }
}
