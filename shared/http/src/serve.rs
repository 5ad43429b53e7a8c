//! Accepts connections until told to stop, then lets the open requests finish.

use std::{future::Future, net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::Context as _;
use axum::Router;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;

use crate::{CommonArgs, init_tracing, install_crypto};

/// A client that has not sent its headers by then is cut.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// Requests that are open at the stop signal get this long.
const DRAIN: Duration = Duration::from_secs(20);

/// Opens the listening socket; a port in use is named.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: choose another --port"))
}

/// Serves `routes` on `listener` until `shutdown` resolves, then drains.
pub async fn serve(listener: TcpListener, routes: Router, shutdown: impl Future<Output = ()>) {
    let mut http = hyper::server::conn::http1::Builder::new();
    // Without a timer hyper's header timeout is silently off.
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
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
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(routes.clone());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still open after the drain");
    }
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
    if let Some(faults) = tasker_core::fault::active() {
        tracing::warn!(faults, "TASKER_FAULT is set: this process breaks on purpose");
    }
    let served = async {
        let listener = bind(SocketAddr::new(args.host, args.port)).await?;
        let address = listener.local_addr()?;
        let (routes, drain) = build(address).await?;
        tracing::info!(service = name, %address, "ready");
        serve(listener, crate::with_layers(routes), shutdown_signal()).await;
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
