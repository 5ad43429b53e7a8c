//! Claims one stack run, calls its service, hands the outcome on, triggers the next, leaves.
//!
//! Every call is a fresh HTTP request ([`routes`]); nothing loops and nothing polls. What is lost
//! between two calls is found again by the [`scheduler`].

mod breaker;
mod dispatch;
mod heartbeat;
mod leased;
pub mod openapi;
mod outcome;
mod recovery;
mod routes;
mod scheduler;
mod slots;
mod step;
mod turns;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract, middleware, response::IntoResponse as _, routing::post};
use tasker_http::{ApiError, Direct, JsonBodies, Peers};
use tasker_store::RunStore;
use tokio::sync::{Notify, mpsc};
use tokio_util::task::TaskTracker;

use breaker::Breakers;
use leased::Leased;
use scheduler::Sweeper;
use slots::Slots;
use turns::Turns;

/// Settings of the processor.
#[derive(Clone, Debug, clap::Args)]
pub struct ProcessorArgs {
    /// Stable name of this processor; a restart under the same name frees its own leases at once.
    #[arg(long, env = "TASKER_SLOT", default_value = "processor-0")]
    pub slot: String,
    /// Runs worked on at once.
    #[arg(long, env = "TASKER_CONCURRENCY", default_value_t = 16)]
    pub concurrency: usize,
    /// Longest wait for one host call, milliseconds.
    #[arg(long, env = "TASKER_CALL_TIMEOUT_MS", default_value_t = 300_000)]
    pub call_timeout_ms: u64,
    /// Largest result of one host call, bytes of JSON.
    #[arg(long, env = "TASKER_RESULT_BYTES", default_value_t = 10 << 20)]
    pub result_bytes: usize,
}

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    store: Arc<dyn RunStore>,
    /// `simple-stack-processor` in here is this very process: calls are handed on in its memory.
    peers: Peers,
    slot: String,
    call_timeout: Duration,
    result_bytes: usize,
    slots: Arc<Slots>,
    breakers: Breakers,
    /// Where executors reach this very process.
    own_url: String,
    /// Outcomes whose executor has not said what became of them.
    waiting: Mutex<outcome::Waiting>,
    at_work: Arc<leased::Runs>,
    turns: Turns,
    work: TaskTracker,
    /// Calls that runs go on with.
    next: mpsc::UnboundedSender<Leased>,
    /// Tells the scheduler that there may be work.
    look: Arc<Notify>,
    /// Tells the deadline timer that something may fall due earlier.
    due: Notify,
    sweeper: Sweeper,
}

impl State {
    /// A processor over `store`. `peers` must reach this process as `simple-stack-processor`, and
    /// executors at `own_url`.
    pub fn new(
        store: Arc<dyn RunStore>,
        peers: Peers,
        args: &ProcessorArgs,
        own_url: String,
    ) -> Self {
        let (next, onward) = mpsc::unbounded_channel();
        let look = Arc::new(Notify::new());
        let state = Self(Arc::new(Inner {
            store,
            peers,
            slot: args.slot.clone(),
            call_timeout: Duration::from_millis(args.call_timeout_ms),
            result_bytes: args.result_bytes,
            slots: Arc::new(Slots::new(args.concurrency, look.clone())),
            breakers: Breakers::default(),
            own_url,
            waiting: Mutex::default(),
            at_work: Arc::default(),
            turns: Turns::default(),
            work: TaskTracker::new(),
            next,
            look,
            due: Notify::new(),
            sweeper: Sweeper::default(),
        }));
        tokio::spawn(scheduler::go_on(state.clone(), onward));
        tokio::spawn(scheduler::send_triggers(state.clone()));
        state
    }

    /// There may be work: somebody is to look.
    fn look(&self) {
        self.0.look.notify_one();
    }

    /// Something may fall due earlier than was known.
    fn rearm(&self) {
        self.0.due.notify_one();
    }

    /// A run's next call is worked on.
    fn go_on(&self, leased: Leased) {
        let _ = self.0.next.send(leased);
    }

    /// Frees what an earlier process of this name held, starts on what is ready, and arms the
    /// deadline timer. Call once, when the routes are being served. `created` tells of new runs.
    pub async fn start(&self, created: Option<Arc<Notify>>) {
        scheduler::boot(self).await;
        self.start_timers();
        if let Some(created) = created {
            let state = self.clone();
            tokio::spawn(async move { scheduler::watch_created(&state, &created).await });
        }
    }

    fn start_timers(&self) {
        let state = self.clone();
        tokio::spawn(async move { scheduler::watch_deadlines(&state).await });
        let state = self.clone();
        tokio::spawn(async move { heartbeat::keep(&state).await });
    }

    /// Stops claiming, lets the work under way end, gives the rest back.
    pub async fn drain(&self) {
        self.0.slots.close();
        if tasker_fault::on("nodrain") {
            return;
        }
        self.0.work.close();
        let _ = tokio::time::timeout(Duration::from_secs(20), self.0.work.wait()).await;
        outcome::settle(self).await;
        self.0.peers.drain().await;
    }
}

/// What executors and processors send, straight to its handler.
pub fn direct(state: &State) -> Direct {
    let state = state.clone();
    Direct::default().with("simple-stack-processor", "", move |_, body| {
        let state = state.clone();
        let work = state.0.work.clone();
        let done = work.spawn(async move {
            match JsonBodies::read(&body) {
                Ok(requests) => routes::process(extract::State(state), requests).await,
                Err(error) => Err(error),
            }
        });
        async move { done.await.unwrap_or_else(|e| Err(ApiError::internal(e))).into_response() }
    })
}

/// Routes, relative to the mount point.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/", post(routes::process).get(routes::health))
        .merge(openapi::document().serve())
        .route("/{*rest}", post(routes::process).get(routes::health))
        // A claim that is stopped half way leaves a row leased to nobody.
        .layer(middleware::from_fn_with_state(state.0.work.clone(), tasker_http::to_its_end))
        .with_state(state)
}
