//! The worker processes: started when needed, retired after a few hundred isolates, killed when a
//! turn does not end.

use std::{
    collections::HashMap,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tasker_core::{
    TaskError,
    journal::{Delivery, Journal},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdout, Command},
    sync::mpsc,
};

use crate::protocol::{FromWorker, Report, Seed, ToWorker, checked, encode};
use crate::worker::OUT_OF_MEMORY;

/// QuickJS leaks about a megabyte per isolate, so a worker is replaced before that matters.
const ISOLATES_PER_WORKER: usize = if cfg!(feature = "v8") { 5_000 } else { 300 };
/// How much longer than a turn's deadline the process may take to answer.
const GRACE: Duration = Duration::from_millis(1_000);

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
}

type Replies = Mutex<HashMap<u64, mpsc::UnboundedSender<FromWorker>>>;

struct Worker {
    frames: mpsc::UnboundedSender<Vec<u8>>,
    kill: mpsc::UnboundedSender<()>,
    waiting: Replies,
    dead: AtomicBool,
    out_of_memory: AtomicBool,
    started: AtomicUsize,
    live: AtomicUsize,
}

/// An isolate in some worker. Dropping it frees the isolate.
pub struct Session {
    id: u64,
    worker: Arc<Worker>,
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
        Self { config, workers: Mutex::default(), sessions: AtomicU64::new(1) }
    }

    /// Deadline of a turn.
    pub fn turn(&self) -> Duration {
        self.config.turn
    }

    /// Makes an isolate and brings it to where `journal` ends. If its worker is lost on the way,
    /// the run is tried once more in a worker of its own: a second loss is its own doing.
    pub async fn start(&self, seed: Seed, journal: Journal) -> anyhow::Result<(Session, Turn)> {
        let worker = self.pick()?;
        let frame = self.frame(seed, journal)?;
        let (session, turn) = self.run(worker, frame.clone()).await;
        match turn {
            Turn::Lost(Loss::Crashed | Loss::Memory) => {
                let alone = Worker::spawn(&self.config)?;
                Ok(self.run(alone, frame).await)
            }
            other => Ok((session, other)),
        }
    }

    fn frame(&self, seed: Seed, journal: Journal) -> anyhow::Result<(u64, Vec<u8>)> {
        let session = self.sessions.fetch_add(1, Ordering::Relaxed);
        let frame = encode(&ToWorker::Start { session, seed: Box::new(seed), journal })?;
        Ok((session, frame))
    }

    async fn run(&self, worker: Arc<Worker>, (id, frame): (u64, Vec<u8>)) -> (Session, Turn) {
        worker.started.fetch_add(1, Ordering::SeqCst);
        worker.live.fetch_add(1, Ordering::SeqCst);
        let session = Session { id, worker };
        let turn = session.ask(frame, self.config.turn + GRACE).await;
        (session, turn)
    }

    /// Gives an outcome to a parked isolate.
    pub async fn deliver(&self, session: &Session, delivery: Delivery) -> Turn {
        let frame = ToWorker::Deliver { session: session.id, delivery };
        match encode(&frame) {
            Ok(frame) => session.ask(frame, self.config.turn + GRACE).await,
            Err(_) => Turn::Lost(Loss::Crashed),
        }
    }

    /// The worker with the fewest isolates, or a new one.
    fn pick(&self) -> anyhow::Result<Arc<Worker>> {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|w| {
            !w.dead.load(Ordering::SeqCst)
                && w.started.load(Ordering::SeqCst) < ISOLATES_PER_WORKER
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

impl Session {
    /// True while the isolate's process lives.
    pub fn alive(&self) -> bool {
        !self.worker.dead.load(Ordering::SeqCst)
    }

    async fn ask(&self, frame: Vec<u8>, timeout: Duration) -> Turn {
        let (reply, mut replies) = mpsc::unbounded_channel();
        lock(&self.worker.waiting).insert(self.id, reply);
        let sent = self.worker.frames.send(frame).is_ok() && self.alive();
        let turn = loop {
            if !sent {
                break Turn::Lost(self.worker.loss());
            }
            match tokio::time::timeout(timeout, replies.recv()).await {
                Ok(Some(FromWorker::Quiet { report, .. })) => break Turn::Quiet(report),
                Ok(Some(FromWorker::Alive { .. })) => {}
                Ok(None) => break Turn::Lost(self.worker.loss()),
                Err(_) => {
                    let _ = self.worker.kill.send(());
                    break Turn::Lost(Loss::Hung);
                }
            }
        };
        lock(&self.worker.waiting).remove(&self.id);
        turn
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.worker.live.fetch_sub(1, Ordering::SeqCst);
        if let Ok(frame) = encode(&ToWorker::Drop { session: self.id }) {
            let _ = self.worker.frames.send(frame);
        }
    }
}

impl Worker {
    fn spawn(config: &PoolConfig) -> anyhow::Result<Arc<Self>> {
        // Nothing of the executor's environment: no database address, no key.
        let mut child = Command::new(&config.program)
            .arg("worker")
            .arg(config.rss_limit.to_string())
            .env_clear()
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| anyhow::anyhow!("cannot start {}: {e}", config.program.display()))?;
        let (frames, mut outbox) = mpsc::unbounded_channel::<Vec<u8>>();
        let (kill, killed) = mpsc::unbounded_channel();
        let worker = Arc::new(Self {
            frames,
            kill,
            waiting: Mutex::default(),
            dead: AtomicBool::new(false),
            out_of_memory: AtomicBool::new(false),
            started: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
        });
        if let Some(mut stdin) = child.stdin.take() {
            tokio::spawn(async move {
                while let Some(frame) = outbox.recv().await {
                    if stdin.write_all(&frame).await.is_err() {
                        break;
                    }
                }
            });
        }
        if let Some(stdout) = child.stdout.take() {
            // Weak: when the last session and the pool let go, the channels close, the process's
            // input ends, and it exits.
            tokio::spawn(watch(Arc::downgrade(&worker), child, stdout, killed));
        }
        Ok(worker)
    }

    fn loss(&self) -> Loss {
        if self.out_of_memory.load(Ordering::SeqCst) { Loss::Memory } else { Loss::Crashed }
    }

    fn answer(&self, frame: FromWorker) {
        let (FromWorker::Quiet { session, .. } | FromWorker::Alive { session }) = &frame;
        if let Some(reply) = lock(&self.waiting).get(session) {
            let _ = reply.send(frame);
        }
    }
}

/// Hands on a worker's answers until it dies, and says so to whoever waits.
async fn watch(
    worker: std::sync::Weak<Worker>,
    mut child: Child,
    mut stdout: ChildStdout,
    mut killed: mpsc::UnboundedReceiver<()>,
) {
    loop {
        let frame = tokio::select! {
            frame = read(&mut stdout) => frame,
            _ = killed.recv() => None,
        };
        let (Some(frame), Some(worker)) = (frame, worker.upgrade()) else { break };
        worker.answer(frame);
    }
    let _ = child.start_kill();
    let status = child.wait().await;
    let Some(worker) = worker.upgrade() else { return };
    let code = status.ok().and_then(|s| s.code());
    worker.out_of_memory.store(code == Some(OUT_OF_MEMORY.into()), Ordering::SeqCst);
    worker.dead.store(true, Ordering::SeqCst);
    tracing::warn!(?code, "a worker process ended");
    lock(&worker.waiting).clear();
}

async fn read(stdout: &mut ChildStdout) -> Option<FromWorker> {
    let mut length = [0; 4];
    stdout.read_exact(&mut length).await.ok()?;
    let mut body = vec![0; checked(length).ok()?];
    stdout.read_exact(&mut body).await.ok()?;
    serde_json::from_slice(&body).ok()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
