//! Listens, serves, stops.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, body::Body, extract::DefaultBodyLimit};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt;
use tower_http::compression::{CompressionLayer, predicate::SizeAbove};

use crate::answer::Answer;
use crate::app::App;
use crate::error::ApiError;
use crate::gate::{Reset, gate, print};
use crate::params::Params;
use crate::{admin, directory, discovery, gmail, oauth};

/// How long calls in flight may take once the emulator stops.
const DRAIN: Duration = Duration::from_secs(2);
/// Bytes that are worth compressing, if asked to: most answers are smaller, and travel in one packet.
const WORTH_IT: u16 = 1024;
/// Gmail's limit for a message, in base64.
const MAX_BODY: usize = 50 * 1024 * 1024;

/// Everything that the emulator answers.
pub fn router(app: Arc<App>) -> Router {
    let apis = Router::new()
        .route("/token", post(oauth::token))
        .merge(directory::routes())
        .merge(gmail::routes())
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(from_fn_with_state(Arc::clone(&app), gate));
    let own = admin::routes()
        .route("/$discovery/rest", get(discover))
        .route("/discovery/v1/apis/{api}/{version}/rest", get(discover_by_path))
        .layer(from_fn(print));
    apis.merge(own)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CompressionLayer::new().gzip(true).compress_when(SizeAbove::new(WORTH_IT)))
        .with_state(app)
}

async fn unknown() -> ApiError {
    ApiError::new(404, "notFound", "Not Found: this emulator does not know the method")
}

async fn discover(State(app): State<Arc<App>>, request: Request) -> Result<Answer, ApiError> {
    let params = Params::parse(request.uri().query().unwrap_or_default());
    let version = params.get("version").unwrap_or("v1");
    // Google tells the APIs apart by host; here the version does it unless `api` is given.
    let api = if version == "directory_v1" { "admin" } else { "gmail" };
    document(&app, params.get("api").unwrap_or(api), version)
}

async fn discover_by_path(
    State(app): State<Arc<App>>,
    Path((api, version)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    document(&app, &api, &version)
}

fn document(app: &App, api: &str, version: &str) -> Result<Answer, ApiError> {
    let found = discovery::document(api, version, &app.url);
    found.map(Answer::verbatim).ok_or_else(ApiError::not_found)
}

/// Accepts connections until `stop` changes or its sender is gone, then drains.
pub async fn serve(listener: TcpListener, app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let router = router(app);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok((stream, peer)) => connection(stream, peer, router.clone(), &graceful),
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                // Out of file handles, most likely: turning at full speed would not help.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("calls still in flight were dropped");
    }
}

fn connection(stream: TcpStream, peer: SocketAddr, router: Router, graceful: &GracefulShutdown) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move { answer(router, request, peer).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(300))
        .serve_connection(TokioIo::new(stream), service);
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = watched.await {
            tracing::debug!(%error, "connection ended");
        }
    });
}

async fn answer(
    router: Router,
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
) -> io::Result<Response> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    let response = router.oneshot(request).await.unwrap_or_else(|never: Infallible| match never {});
    match response.extensions().get::<Reset>() {
        // An error of the service makes hyper drop the connection without a word.
        Some(_) => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        None => Ok(response),
    }
}
