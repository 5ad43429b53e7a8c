//! One worker process, and an isolate in it, seen from the executor.

use std::{
    collections::HashMap,
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdout, Command},
    sync::mpsc,
};

use super::{Loss, PoolConfig, Turn};
use crate::{
    protocol::{FromWorker, ToWorker, checked, encode},
    worker::OUT_OF_MEMORY,
};

/// A frame may be sent to two workers, and may be large.
pub type Frame = Arc<Vec<u8>>;
type Replies = Mutex<HashMap<u64, mpsc::UnboundedSender<FromWorker>>>;

/// A worker process.
pub struct Worker {
    frames: mpsc::UnboundedSender<Frame>,
    kill: mpsc::UnboundedSender<()>,
    waiting: Replies,
    /// It has ended.
    pub dead: AtomicBool,
    out_of_memory: AtomicBool,
    /// Isolates started in it.
    pub started: AtomicUsize,
    /// Isolates in it now.
    pub live: AtomicUsize,
}

/// An isolate in some worker. Dropping it frees the isolate.
pub struct Session {
    pub id: u64,
    pub worker: Arc<Worker>,
}

impl Session {
    /// True while the isolate's process lives.
    pub fn alive(&self) -> bool {
        !self.worker.dead.load(Ordering::SeqCst)
    }

    /// Sends a frame and waits for the code to be quiet; kills the process if it does not answer.
    pub async fn ask(&self, frame: Frame, timeout: Duration) -> Turn {
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
            let _ = self.worker.frames.send(frame.into());
        }
    }
}

impl Worker {
    /// Starts a process that has nothing of the executor's environment.
    pub fn spawn(config: &PoolConfig) -> anyhow::Result<Arc<Self>> {
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
        let (frames, mut outbox) = mpsc::unbounded_channel::<Frame>();
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
