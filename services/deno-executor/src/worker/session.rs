//! A worker: one run's isolate, driven over standard input and output.

use std::{
    fs::File,
    io::{BufReader, Write as _},
    os::fd::FromRawFd as _,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tasker_core::{
    TaskError,
    journal::{Delivery, Journal},
    json,
    run::replay::Replay,
};

use super::TemplateArgs;
use crate::{
    engine::{Isolate, Ready, watch_memory},
    protocol::{Ended, FromWorker, Report, Seed, ToWorker, encode, read_frame},
    sandbox::{Filter, Mode},
};

/// How often a long replay says that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

/// What each worker begins with.
pub struct Copy {
    pub ready: Ready,
    pub runtime: tokio::runtime::Runtime,
    /// What it enters before any task code is there.
    pub filter: Option<Filter>,
}

#[derive(Clone)]
struct Out(Arc<Mutex<File>>);

impl Out {
    fn send(&self, frame: &FromWorker) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = encode(frame).and_then(|bytes| out.write_all(&bytes));
        if sent.is_err() {
            // The executor is gone; nobody wants the rest.
            std::process::exit(0);
        }
    }

    /// Says so unless something else is being said: nobody may be left to end that.
    fn last_word(&self, frame: &FromWorker) {
        if let (Ok(mut out), Ok(bytes)) = (self.0.try_lock(), encode(frame)) {
            let _ = out.write_all(&bytes);
        }
    }
}

/// Works until its input ends; answers the exit code.
pub fn live(copy: Copy, args: &TemplateArgs) -> i32 {
    #[expect(unsafe_code, reason = "the template made them so, and nobody else uses them")]
    let (input, output) = unsafe { (File::from_raw_fd(0), File::from_raw_fd(1)) };
    let mut input = BufReader::with_capacity(16 << 10, input);
    let out = Out(Arc::new(Mutex::new(output)));
    let last = out.clone();
    watch_memory(args.worker_bytes, move || {
        last.last_word(&FromWorker::OutOfMemory);
        std::process::exit(1);
    });
    let Copy { ready, runtime, filter } = copy;
    if let Some(Err(why)) = filter.map(|filter| filter.enter())
        && args.sandbox == Mode::Required
    {
        out.send(&FromWorker::NoWorker(format!("the sandbox: {why}")));
        return 1;
    }
    let mut state = State::Ready(Box::new(ready));
    loop {
        let frame = match read_frame(&mut input) {
            Ok(Some(frame)) => frame,
            // Nothing is left to be done, and what there is need not be taken apart.
            Ok(None) => std::process::exit(0),
            Err(_) => return 1,
        };
        let Ok(job) = serde_json::from_slice(&frame) else { return 1 };
        let turn = AssertUnwindSafe(|| runtime.block_on(state.work(job, &out)));
        let report = std::panic::catch_unwind(turn).unwrap_or_else(|_| failed(no_engine()));
        out.send(&FromWorker::Quiet(report));
    }
}

/// How far the worker's isolate is.
enum State {
    Ready(Box<Ready>),
    Running(Box<Isolate>),
    Gone,
}

impl State {
    async fn work(&mut self, job: ToWorker, out: &Out) -> Report {
        match job {
            ToWorker::Check { seed } => match std::mem::replace(self, Self::Gone) {
                Self::Ready(ready) => check_code(*ready, &seed).await,
                _ => failed(no_engine()),
            },
            ToWorker::Start { seed, journal } => match std::mem::replace(self, Self::Gone) {
                Self::Ready(ready) => {
                    let (isolate, report) = start(*ready, &seed, &journal, out).await;
                    *self = isolate.map_or(Self::Gone, |i| Self::Running(Box::new(i)));
                    report
                }
                _ => failed(no_engine()),
            },
            ToWorker::Deliver { delivery } => self.deliver(&delivery).await,
        }
    }

    async fn deliver(&mut self, delivery: &Delivery) -> Report {
        match self {
            Self::Running(isolate) => isolate.deliver(delivery).await,
            _ => failed(no_engine()),
        }
    }
}

/// Compiles the code and runs none of it.
async fn check_code(ready: Ready, seed: &Seed) -> Report {
    let compiled = match Isolate::new(ready, seed) {
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
    ready: Ready,
    seed: &Seed,
    journal: &Journal,
    out: &Out,
) -> (Option<Isolate>, Report) {
    let mut isolate = match Isolate::new(ready, seed) {
        Ok(isolate) => isolate,
        Err(error) => return (None, failed(*error)),
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
            Err(divergence) => return (None, failed(divergence.into())),
        }
        if last.elapsed() > SIGN_OF_LIFE {
            out.send(&FromWorker::Alive);
            last = Instant::now();
        }
    }
    (Some(isolate), Report { asked: replay.new_requests(), logs, cleared, ..report })
}

fn no_engine() -> TaskError {
    TaskError::new("EngineError", "the engine stopped in the middle of the task")
}

fn failed(error: TaskError) -> Report {
    Report { end: Some(Ended::Failed(json::of(&error))), ..Report::default() }
}
