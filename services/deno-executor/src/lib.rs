//! Runs task code: `POST /` executes, `POST /resume` continues, `POST /check` only compiles,
//! `POST /upgrade` moves a run to newer code, `GET` says it is well.
//!
//! A run's isolate stays parked in a worker process between its host calls ([`runs`]). If it is
//! gone, a fresh one replays the run's journal. Every quiet point of the code is committed in one
//! transaction before anybody hears of it.

mod answer;
mod committer;
mod control;
mod engine;
mod execute;
mod going;
pub mod openapi;
mod outcome;
mod parked;
mod pool;
mod protocol;
mod quiet;
mod routes;
mod runs;
pub mod sandbox;
mod turns;
mod upgrade;
mod warm;
mod worker;

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use axum::{Router, extract, middleware, response::IntoResponse as _, routing::post};
use tasker_http::{ApiError, Direct, JsonBodies, Peers};
use tasker_store::StorageAdapter;
use tokio_util::task::TaskTracker;

use pool::{Pool, Program};
pub use protocol::Limits;
use runs::Runs;
use worker::TemplateArgs;

/// Which engine this build carries.
pub const ENGINE: &str = if cfg!(feature = "v8") { "v8" } else { "quickjs" };

/// How long a drain waits for turns.
const DRAIN: Duration = Duration::from_secs(20);

/// Settings of the executor.
#[derive(Clone, Debug, clap::Args)]
pub struct ExecutorArgs {
    /// Limits of one run.
    #[command(flatten)]
    pub limits: Limits,
    /// Memory of the process that one run has, bytes.
    #[arg(long, env = "TASKER_WORKER_BYTES", default_value_t = 512 << 20)]
    pub worker_bytes: usize,
    /// Isolates kept parked between host calls, bytes in all.
    #[arg(long, env = "TASKER_PARKED_BYTES", default_value_t = 512 << 20)]
    pub parked_bytes: usize,
    /// Calls that change nothing go out before the step that makes them is committed.
    #[arg(long, env = "TASKER_CALLS_AHEAD", default_value_t = true, action = clap::ArgAction::Set)]
    pub calls_ahead: bool,
    /// Whether task code is sandboxed by the kernel's means: auto (as far as the host can), required, off.
    #[arg(long, env = "TASKER_SANDBOX", value_enum, default_value_t)]
    pub sandbox: sandbox::Mode,
    /// Program that serves as worker process; this one by default.
    #[arg(long, env = "TASKER_WORKER_PROGRAM")]
    pub worker_program: Option<PathBuf>,
}

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct State {
    runs: Arc<Runs>,
    peers: Peers,
    /// Requests that are answered now.
    work: TaskTracker,
}

impl State {
    /// An executor over `store` that wakes processors through `peers`. `own_url`: where other services
    /// reach this very one, and not another behind the same name.
    pub fn new(
        store: Arc<dyn StorageAdapter>,
        peers: Peers,
        args: &ExecutorArgs,
        own_url: Option<String>,
    ) -> anyhow::Result<Self> {
        let program = match &args.worker_program {
            Some(program) => program.clone(),
            None => std::env::current_exe()?,
        };
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let template = TemplateArgs {
            limits: args.limits.clone(),
            worker_bytes: args.worker_bytes,
            sandbox: args.sandbox,
        };
        let pool = Pool::new(Program { path: program, args: template }, cores)?;
        let runs = Runs::new(store, pool, args, own_url);
        Ok(Self { runs: Arc::new(runs), peers, work: TaskTracker::new() })
    }

    /// Lets the turns under way end.
    pub async fn drain(&self) {
        self.work.close();
        let _ = tokio::time::timeout(DRAIN, self.work.wait()).await;
        self.runs.unpark().await;
        self.peers.drain().await;
    }
}

/// Routes, relative to the mount point.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/", post(routes::execute).get(routes::health))
        .route("/check", post(routes::check))
        .route("/upgrade", post(routes::upgrade))
        .route("/resume", post(routes::resume).get(routes::health))
        .merge(openapi::document().serve())
        .route("/{*rest}", post(routes::execute).get(routes::health))
        // A turn that is stopped half way is made once more, and a worker that hangs is never ended.
        .layer(middleware::from_fn_with_state(state.work.clone(), tasker_http::to_its_end))
        .with_state(state)
}

/// What processors send, straight to its handler.
pub fn direct(state: &State) -> Direct {
    let state = state.clone();
    Direct::default().with("deno-executor", "/resume", move |_, body| {
        let state = state.clone();
        let work = state.work.clone();
        let done = work.spawn(async move {
            match JsonBodies::read(&body) {
                Ok(requests) => routes::resume(extract::State(state), requests).await,
                Err(error) => Err(error),
            }
        });
        async move { done.await.unwrap_or_else(|e| Err(ApiError::internal(e))).into_response() }
    })
}

/// If this process was started as a template of workers, works until its executor is gone.
pub fn worker_main() -> Option<ExitCode> {
    worker::main()
}

/// Wakes a processor: something can be claimed.
fn wake(peers: &Peers) {
    peers.trigger(
        "simple-stack-processor",
        serde_json::json!({ "trigger": "process-next" }),
        std::future::ready(()),
    );
}
