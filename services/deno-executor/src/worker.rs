//! The worker process: isolates, each on a thread of its own, driven over standard input and
//! output. It has no database, no network address and no key; killing it costs a replay.

use std::{
    collections::HashMap,
    io::{self, Stdout},
    panic::AssertUnwindSafe,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use tasker_core::{
    TaskError,
    journal::{Delivery, Journal},
    json,
    run::replay::Replay,
};

use crate::{
    engine::Isolate,
    protocol::{Ended, FromWorker, Report, Seed, ToWorker, read_frame, write_frame},
};

/// Exit code of a worker that used too much memory.
pub const OUT_OF_MEMORY: u8 = 86;
/// The engines keep their own stacks below this.
const STACK: usize = 4 << 20;
/// How often a long replay says that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

#[derive(Clone)]
struct Out(Arc<Mutex<Stdout>>);

impl Out {
    fn send(&self, frame: &FromWorker) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if write_frame(&mut *out, frame).is_err() {
            // The executor is gone; nobody wants the rest.
            std::process::exit(0);
        }
    }
}

enum Job {
    Check(Box<Seed>),
    Start(Box<Seed>, Journal),
    Deliver(Delivery),
}

/// Works until standard input ends.
pub fn run(rss_limit: usize) -> ExitCode {
    // Panics are caught and reported as the run's error; the default hook would flood the log.
    std::panic::set_hook(Box::new(|_| {}));
    let out = Out(Arc::new(Mutex::new(io::stdout())));
    let busy = Arc::new(AtomicUsize::new(0));
    watch_memory(rss_limit, busy.clone());
    let mut sessions: HashMap<u64, mpsc::Sender<Job>> = HashMap::new();
    let mut input = io::stdin().lock();
    loop {
        let frame = match read_frame(&mut input) {
            Ok(Some(frame)) => frame,
            Ok(None) => return ExitCode::SUCCESS,
            Err(_) => return ExitCode::FAILURE,
        };
        match serde_json::from_slice(&frame) {
            Ok(ToWorker::Start { session, seed, journal }) => {
                let Some(jobs) = begin(session, &out, &busy, Job::Start(seed, journal)) else {
                    return ExitCode::from(OUT_OF_MEMORY);
                };
                sessions.insert(session, jobs);
            }
            Ok(ToWorker::Check { session, seed }) => {
                // Its sender is dropped at once: the isolate ends with the answer.
                if begin(session, &out, &busy, Job::Check(seed)).is_none() {
                    return ExitCode::from(OUT_OF_MEMORY);
                }
            }
            Ok(ToWorker::Deliver { session, delivery }) => {
                if let Some(jobs) = sessions.get(&session) {
                    let _ = jobs.send(Job::Deliver(delivery));
                }
            }
            Ok(ToWorker::Drop { session }) => {
                sessions.remove(&session);
            }
            Err(_) => return ExitCode::FAILURE,
        }
    }
}

/// Starts an isolate's thread on its first job.
fn begin(session: u64, out: &Out, busy: &Arc<AtomicUsize>, job: Job) -> Option<mpsc::Sender<Job>> {
    let (jobs, inbox) = mpsc::channel();
    let _ = jobs.send(job);
    let (out, busy) = (out.clone(), busy.clone());
    let thread = std::thread::Builder::new().name("isolate".into()).stack_size(STACK);
    thread.spawn(move || live(session, &inbox, &out, &busy)).ok().map(|_| jobs)
}

/// The life of one isolate. Ends when its sender is dropped.
fn live(session: u64, inbox: &mpsc::Receiver<Job>, out: &Out, busy: &AtomicUsize) {
    // deno_core polls its own timers only inside a runtime; nothing of ours ever waits in it.
    let Ok(tokio) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return out.send(&FromWorker::Quiet { session, report: failed(no_engine()) });
    };
    let mut isolate = None;
    while let Ok(job) = inbox.recv() {
        busy.fetch_add(1, Ordering::SeqCst);
        let turn = std::panic::catch_unwind(AssertUnwindSafe(|| {
            tokio.block_on(async {
                match job {
                    Job::Check(seed) => check_code(&seed).await,
                    Job::Start(seed, journal) => {
                        let alive = || out.send(&FromWorker::Alive { session });
                        start(&mut isolate, &seed, &journal, alive).await
                    }
                    Job::Deliver(delivery) => match &mut isolate {
                        Some(isolate) => isolate.deliver(&delivery).await,
                        None => failed(no_engine()),
                    },
                }
            })
        }));
        let report = turn.unwrap_or_else(|_| failed(no_engine()));
        busy.fetch_sub(1, Ordering::SeqCst);
        out.send(&FromWorker::Quiet { session, report });
    }
    // Isolates are dropped on their own thread, with the runtime they were polled in.
    let _inside = tokio.enter();
    drop(isolate);
}

/// Compiles the code and runs none of it.
async fn check_code(seed: &Seed) -> Report {
    let compiled = match Isolate::new(seed) {
        Ok(mut isolate) => isolate.compile(&seed.code).await,
        Err(error) => Err(error),
    };
    match compiled {
        Ok(()) => Report::default(),
        Err(error) => failed(*error),
    }
}

/// Makes the isolate and replays the journal: each call the code makes must be the recorded one.
async fn start(
    slot: &mut Option<Isolate>,
    seed: &Seed,
    journal: &Journal,
    alive: impl Fn(),
) -> Report {
    let mut isolate = match Isolate::new(seed) {
        Ok(isolate) => isolate,
        Err(error) => return failed(*error),
    };
    let mut replay = Replay::new(journal);
    let mut report = isolate.start(seed).await;
    let (mut logs, mut cleared) = (Vec::new(), Vec::new());
    let mut last = Instant::now();
    loop {
        logs.append(&mut report.logs);
        cleared.append(&mut report.cleared);
        let asked = std::mem::take(&mut report.asked);
        match replay.went_on(asked, report.end.is_some()) {
            Ok(Some(delivery)) => report = isolate.deliver(delivery).await,
            Ok(None) => break,
            Err(divergence) => return failed(divergence.into()),
        }
        if last.elapsed() > SIGN_OF_LIFE {
            alive();
            last = Instant::now();
        }
    }
    *slot = Some(isolate);
    Report { asked: replay.new_requests(), logs, cleared, ..report }
}

fn no_engine() -> TaskError {
    TaskError::new("EngineError", "the engine stopped in the middle of the task")
}

fn failed(error: TaskError) -> Report {
    Report { end: Some(Ended::Failed(json::of(&error))), ..Report::default() }
}

/// Ends the process when it grows past `limit` bytes while code runs: typed arrays and the engine's
/// own structures lie outside the heap limit.
fn watch_memory(limit: usize, busy: Arc<AtomicUsize>) {
    let watch = move || {
        loop {
            std::thread::sleep(Duration::from_millis(50));
            if busy.load(Ordering::SeqCst) > 0 && resident().is_some_and(|rss| rss > limit) {
                std::process::exit(OUT_OF_MEMORY.into());
            }
        }
    };
    let _ = std::thread::Builder::new().name("memory".into()).spawn(watch);
}

/// Resident memory of this process, bytes (Linux; elsewhere the heap limit alone counts).
fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
