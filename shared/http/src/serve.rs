//! Accepts connections until told to stop, then lets the open requests finish.

use std::{
    convert::Infallible,
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
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    CommonArgs, Gate,
    direct::{Direct, Entry, Served},
    health, init_tracing, install_crypto, with_gate,
};

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
    let entry = Entry { routes, direct: Direct::default(), gate: None };
    serve_at(listener, &entry, shutdown).await;
}

async fn serve_at(listener: TcpListener, entry: &Entry, shutdown: impl Future<Output = ()>) {
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
        connection(stream, entry, &http, &graceful);
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
    entry: &Entry,
    http: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
) {
    let _ = stream.set_nodelay(true);
    let heard = Arc::new(AtomicBool::new(false));
    let hear = heard.clone();
    let entry = entry.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        hear.store(true, Ordering::Relaxed);
        let entry = entry.clone();
        async move { Ok::<_, Infallible>(entry.answer(request).await) }
    });
    let served = http.serve_connection(TokioIo::new(stream), service);
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

/// Threads of one service. Six of them and a database share a machine: what a second thread would take
/// over from the first costs more to hand on than to do, unless there are cores to spare.
fn threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let asked = std::env::var("TOKIO_WORKER_THREADS").ok().and_then(|n| n.parse().ok());
    asked.unwrap_or(cores / 2).max(1)
}

/// The body of every service's `main`: runtime, logs, socket, routes, serve. `build` is given the
/// address that was bound and answers the mounted routes and what must still finish after the last
/// request.
pub fn run<B, F, R, D>(name: &str, args: &CommonArgs, build: B) -> ExitCode
where
    B: FnOnce(SocketAddr) -> F,
    F: Future<Output = anyhow::Result<(R, D)>>,
    R: Into<Served>,
    D: Future<Output = ()>,
{
    init_tracing(args.log_json);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads()).enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(started(name, args, build)),
        Err(error) => {
            tracing::error!(service = name, %error, "cannot start a runtime");
            ExitCode::FAILURE
        }
    }
}

async fn started<B, F, R, D>(name: &str, args: &CommonArgs, build: B) -> ExitCode
where
    B: FnOnce(SocketAddr) -> F,
    F: Future<Output = anyhow::Result<(R, D)>>,
    R: Into<Served>,
    D: Future<Output = ()>,
{
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
        let Served { routes, direct } = routes.into();
        let routes = with_gate(routes, gate.clone());
        let entry = Entry { routes, direct, gate: Some(gate) };
        serve_at(listener, &entry, shutdown_signal()).await;
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
