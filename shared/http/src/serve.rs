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
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
};

use crate::{
    CommonArgs, Gate,
    direct::{Direct, Entry, Served},
    health, init_tracing, install_crypto,
    stream::Stream,
    unix, with_gate,
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
    serve_at(listener.into(), &entry, shutdown).await;
}

/// Where a process listens.
pub struct Listeners {
    tcp: TcpListener,
    unix: Option<UnixListener>,
}

impl Listeners {
    /// As the settings say.
    ///
    /// # Errors
    /// Somebody else listens there.
    pub async fn bind(args: &CommonArgs) -> anyhow::Result<Self> {
        let tcp = bind(SocketAddr::new(args.host, args.port)).await?;
        Ok(Self { tcp, unix: args.socket.as_deref().map(unix::bind).transpose()? })
    }

    async fn accept_unix(&self) -> std::io::Result<Stream> {
        match &self.unix {
            Some(listener) => Stream::of(listener.accept().await?.0),
            None => std::future::pending().await,
        }
    }
}

impl From<TcpListener> for Listeners {
    fn from(tcp: TcpListener) -> Self {
        Self { tcp, unix: None }
    }
}

/// Serves behind a gate: what peers send goes straight to its handler.
pub async fn serve_behind(
    listeners: impl Into<Listeners>,
    served: impl Into<Served>,
    gate: Gate,
    shutdown: impl Future<Output = ()>,
) {
    let Served { routes, direct } = served.into();
    let routes = with_gate(routes, gate.clone());
    let entry = Entry { routes, direct, gate: Some(gate) };
    serve_at(listeners.into(), &entry, shutdown).await;
}

async fn serve_at(listeners: Listeners, entry: &Entry, shutdown: impl Future<Output = ()>) {
    let http = protocol();
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let served = tokio::select! {
            accepted = listeners.tcp.accept() => accepted.map(|(stream, _)| {
                let _ = stream.set_nodelay(true);
                connection(stream, false, entry, &http, &graceful);
            }),
            accepted = listeners.accept_unix() => accepted.map(|stream| {
                connection(stream, true, entry, &http, &graceful);
            }),
            () = &mut shutdown => break,
        };
        if let Err(error) = served {
            // Out of file descriptors, most likely: let some connections end.
            tracing::warn!(%error, "accept failed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    drop(listeners);
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

/// Serves one connection in a task of its own. `private`: no browser can have made it.
fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    private: bool,
    entry: &Entry,
    http: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
) {
    let heard = Arc::new(AtomicBool::new(false));
    let hear = heard.clone();
    let entry = entry.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        hear.store(true, Ordering::Relaxed);
        let entry = entry.clone();
        async move { Ok::<_, Infallible>(entry.answer(request, private).await) }
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
        let listeners = Listeners::bind(args).await?;
        let address = listeners.tcp.local_addr()?;
        let (routes, drain) = build(address).await?;
        tracing::info!(service = name, %address, "ready");
        serve_behind(listeners, routes, gate, shutdown_signal()).await;
        args.socket.iter().for_each(|path| drop(std::fs::remove_file(path)));
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
