//! Accepts connections until told to stop, then lets the open requests finish.

use std::{
    future::Future,
    net::SocketAddr,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::{CommonArgs, Gate, health, init_tracing, install_crypto, with_gate};

/// A client that has not sent its headers by then is cut.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// Most bytes of a request's headers.
const MOST_HEADERS: usize = 64 << 10;
/// Requests that are open at the stop signal get this long.
const DRAIN: Duration = Duration::from_secs(20);

/// Opens the listening socket; a port in use is named.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: choose another --port"))
}

/// Serves `routes` on `listener` over HTTP/1.1 and HTTP/2 (with prior knowledge) until `shutdown`
/// resolves, then drains.
pub async fn serve(listener: TcpListener, routes: Router, shutdown: impl Future<Output = ()>) {
    let http = protocol();
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: let some connections end.
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        connection(stream, &routes, &http, &graceful);
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still open after the drain");
    }
}

fn protocol() -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    // Without a timer hyper's header timeout is silently off.
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MOST_HEADERS);
    http.http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MOST_HEADERS as u32)
        .keep_alive_interval(HEADER_TIMEOUT)
        .keep_alive_timeout(HEADER_TIMEOUT);
    http
}

/// Serves one connection in a task of its own.
fn connection(
    stream: TcpStream,
    routes: &Router,
    http: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
) {
    let _ = stream.set_nodelay(true);
    let heard = Arc::new(AtomicBool::new(false));
    let hear = heard.clone();
    let service = routes.clone().map_request(move |request: Request<Incoming>| {
        hear.store(true, Ordering::Relaxed);
        request
    });
    let served = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let served = graceful.watch(served.into_owned());
    tokio::spawn(async move {
        let mut served = std::pin::pin!(served);
        // Before its first request a connection has not even said which protocol it speaks, and
        // the protocols' own timeouts do not run yet.
        let ended = match tokio::time::timeout(HEADER_TIMEOUT, served.as_mut()).await {
            Ok(ended) => ended,
            Err(_) if heard.load(Ordering::Relaxed) => served.await,
            Err(_) => return,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended");
        }
    });
}

/// Resolves at SIGTERM or SIGINT.
pub async fn shutdown_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// The body of every service's `main`: logs, socket, routes, serve. `build` is given the address
/// that was bound and answers the mounted routes and what must still finish after the last request.
pub async fn run<B, F, D>(name: &str, args: &CommonArgs, build: B) -> ExitCode
where
    B: FnOnce(SocketAddr) -> F,
    F: Future<Output = anyhow::Result<(Router, D)>>,
    D: Future<Output = ()>,
{
    init_tracing(args.log_json);
    install_crypto();
    crate::return_large_values();
    if args.health {
        return health::probe(args).await;
    }
    if let Some(faults) = tasker_fault::active() {
        tracing::warn!(faults, "this process breaks on purpose");
    }
    let served = async {
        let gate = Gate::new(&args.gate, args.host)?;
        let listener = bind(SocketAddr::new(args.host, args.port)).await?;
        let address = listener.local_addr()?;
        let (routes, drain) = build(address).await?;
        tracing::info!(service = name, %address, "ready");
        serve(listener, with_gate(routes, gate), shutdown_signal()).await;
        drain.await;
        anyhow::Ok(())
    };
    match served.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(service = name, error = format!("{error:#}"), "cannot start");
            ExitCode::FAILURE
        }
    }
}
