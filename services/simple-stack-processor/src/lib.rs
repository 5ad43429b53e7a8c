//! Claims one stack run, calls its service, hands the outcome on, triggers the next, leaves.
//!
//! Every call is a fresh HTTP request ([`routes`]); nothing loops and nothing polls. What is lost
//! between two calls is found again by [`recovery`].

mod breaker;
mod chain;
mod dispatch;
mod held;
mod lost;
pub mod openapi;
mod outcome;
mod recovery;
mod routes;
mod slots;
mod turns;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract, middleware, response::IntoResponse as _, routing::post};
use tasker_core::{StackRunId, wire::Handed};
use tasker_http::{ApiError, Direct, JsonBodies, Peers};
use tasker_store::{Outcome, RunStore};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use breaker::Breakers;
use slots::{Slot, Slots};
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
    slots: Slots,
    breakers: Breakers,
    /// Where executors reach this very process.
    own_url: String,
    /// Outcomes whose executor has not said what became of them.
    waiting: Mutex<outcome::Waiting>,
    /// Runs this process works on now, by their roots.
    at_work: Mutex<HashMap<StackRunId, u32>>,
    /// Tells the heartbeat that there is something to keep.
    holding: Notify,
    turns: Turns,
    work: TaskTracker,
    /// Tells the deadline timer that something may fall due earlier.
    due: Notify,
}

/// A leased row, and what goes with its run from call to call.
#[derive(Clone)]
struct Leased {
    row: Handed,
    /// Steps of its run since the claim.
    steps: u32,
    /// Outcomes of calls before this one that are not known to be on record: it went ahead of them.
    unrecorded: Vec<(Handed, Outcome)>,
    /// Given back with the last copy of this.
    _slot: Arc<Slot>,
    _held: Arc<lost::Given>,
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
        Self(Arc::new(Inner {
            store,
            peers,
            slot: args.slot.clone(),
            call_timeout: Duration::from_millis(args.call_timeout_ms),
            result_bytes: args.result_bytes,
            slots: Slots::new(args.concurrency),
            breakers: Breakers::default(),
            own_url,
            waiting: Mutex::default(),
            at_work: Mutex::default(),
            holding: Notify::new(),
            turns: Turns::default(),
            work: TaskTracker::new(),
            due: Notify::new(),
        }))
    }

    /// Frees what an earlier process of this name held, starts on what is ready, and arms the
    /// deadline timer. Call once, when the routes are being served. `created` tells of new runs.
    pub async fn start(&self, created: Option<Arc<Notify>>) {
        recovery::boot(self).await;
        self.start_timers();
        if let Some(created) = created {
            let state = self.clone();
            tokio::spawn(async move { recovery::watch_created(&state, &created).await });
        }
    }

    fn start_timers(&self) {
        let state = self.clone();
        tokio::spawn(async move { recovery::watch_deadlines(&state).await });
        let state = self.clone();
        tokio::spawn(async move { held::keep(&state).await });
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
