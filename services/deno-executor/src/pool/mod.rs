//! The worker processes: started when needed, retired after a few hundred isolates, killed when a
//! turn does not end.

mod process;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::protocol::{Delivered, Report, Seed, ToWorker, ToWorkerRef, encode};
pub use process::Session;
use process::{Frame, Worker};
use tasker_core::{TaskError, journal::Journal};
use tokio::sync::Semaphore;

/// QuickJS leaks about a megabyte per isolate, so a worker is replaced before that matters.
const ISOLATES_PER_WORKER: usize = if cfg!(feature = "v8") { 5_000 } else { 300 };
/// How much longer than a turn's deadline the process may take to answer.
const GRACE: Duration = Duration::from_millis(1_000);

/// Isolates that are made at once in one worker. After an executor was lost all its runs come back
/// together: those that wait for a processor here do not use up their turn's time.
const STARTS_PER_WORKER: usize = 8;

/// Settings of the pool.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Program that becomes a worker when its first argument is `worker`.
    pub program: PathBuf,
    /// Worker processes for ordinary runs.
    pub size: usize,
    /// Memory of one worker, bytes.
    pub rss_limit: usize,
    /// Deadline of a turn.
    pub turn: Duration,
}

/// The pool.
pub struct Pool {
    config: PoolConfig,
    workers: Mutex<Vec<Arc<Worker>>>,
    sessions: AtomicU64,
    /// For isolates that are being made.
    starts: Semaphore,
}

/// How a turn ended, seen from outside the worker.
pub enum Turn {
    /// The code is quiet.
    Quiet(Report),
    /// The worker died or was killed before the code was quiet.
    Lost(Loss),
}

/// Why a worker was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It did not answer by its deadline.
    Hung,
    /// It used too much memory.
    Memory,
    /// It crashed.
    Crashed,
}

impl Loss {
    /// The error of the run that caused it.
    pub fn error(self, turn: Duration) -> TaskError {
        match self {
            Self::Hung => TaskError::new(
                "TimeLimit",
                format!("the task ran {} ms without reaching a host call", turn.as_millis()),
            ),
            Self::Memory => TaskError::new("HeapLimit", "the task used more memory than a run may"),
            Self::Crashed => TaskError::new("EngineCrash", "the task crashed its engine"),
        }
    }
}

impl Pool {
    /// An empty pool; workers start with the first runs.
    pub fn new(config: PoolConfig) -> Self {
        let starts = Semaphore::new(config.size.max(1) * STARTS_PER_WORKER);
        Self { config, workers: Mutex::default(), sessions: AtomicU64::new(1), starts }
    }

    /// Deadline of a turn.
    pub fn turn(&self) -> Duration {
        self.config.turn
    }

    /// Makes an isolate and brings it to where `journal` ends. If its worker is lost on the way,
    /// the run is tried once more in a worker of its own: a second loss is its own doing.
    pub async fn start(&self, seed: Seed, journal: &Journal) -> anyhow::Result<(Session, Turn)> {
        let session = self.sessions.fetch_add(1, Ordering::Relaxed);
        let frame = encode(&ToWorkerRef::Start { session, seed: &seed, journal })?;
        self.twice((session, frame.into())).await
    }

    /// Compiles code and runs none of it: its report's end is the error, if there is one.
    pub async fn check(&self, seed: Seed) -> anyhow::Result<Turn> {
        let session = self.sessions.fetch_add(1, Ordering::Relaxed);
        let frame = encode(&ToWorker::Check { session, seed: Box::new(seed) })?;
        Ok(self.twice((session, frame.into())).await?.1)
    }

    async fn twice(&self, frame: (u64, Frame)) -> anyhow::Result<(Session, Turn)> {
        let _one = self.starts.acquire().await?;
        let worker = self.pick()?;
        let (session, turn) = self.run(worker, frame.clone()).await;
        match turn {
            Turn::Lost(Loss::Crashed | Loss::Memory) => {
                let alone = Worker::spawn(&self.config)?;
                Ok(self.run(alone, frame).await)
            }
            other => Ok((session, other)),
        }
    }

    async fn run(&self, worker: Arc<Worker>, (id, frame): (u64, Frame)) -> (Session, Turn) {
        worker.started.fetch_add(1, Ordering::SeqCst);
        worker.live.fetch_add(1, Ordering::SeqCst);
        let session = Session { id, worker };
        let turn = session.ask(frame, self.config.turn + GRACE).await;
        (session, turn)
    }

    /// Gives an outcome to a parked isolate.
    pub async fn deliver(&self, session: &Session, delivery: Delivered<'_>) -> Turn {
        match encode(&ToWorkerRef::Deliver { session: session.id, delivery }) {
            Ok(frame) => session.ask(frame.into(), self.config.turn + GRACE).await,
            Err(_) => Turn::Lost(Loss::Crashed),
        }
    }

    /// The worker with the fewest isolates, or a new one.
    fn pick(&self) -> anyhow::Result<Arc<Worker>> {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|w| {
            !w.dead.load(Ordering::SeqCst) && w.started.load(Ordering::SeqCst) < ISOLATES_PER_WORKER
        });
        let least = workers.iter().min_by_key(|w| w.live.load(Ordering::SeqCst));
        match least {
            Some(w) if workers.len() >= self.config.size || w.live.load(Ordering::SeqCst) == 0 => {
                Ok(w.clone())
            }
            _ => {
                let worker = Worker::spawn(&self.config)?;
                workers.push(worker.clone());
                Ok(worker)
            }
        }
    }
}
