//! Worker processes: one for each run that is parked or at work, copied from a template.

mod session;
mod template;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{
    protocol::{Delivered, Report, Seed, ToWorkerRef, encode},
    sandbox::Layers,
};
use session::Frame;
pub use session::Session;
use tasker_core::{TaskError, journal::Journal};
pub use template::Program;
use template::Template;
use tokio::sync::Semaphore;

/// How much longer than a turn's deadline the process may take to answer.
const GRACE: Duration = Duration::from_millis(1_000);

/// Runs that are started at once, for each core. After an executor was lost all its runs come back
/// together: those that wait for a processor here do not use up their turn's time.
const STARTS_PER_CORE: usize = 8;

/// The pool.
pub struct Pool {
    template: Template,
    turn: Duration,
    numbers: AtomicU64,
    /// For runs that are being started.
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
    /// A pool whose template is being started.
    pub fn new(program: Program, cores: usize) -> anyhow::Result<Self> {
        let turn = Duration::from_millis(program.args.limits.turn_ms);
        let starts = Semaphore::new(cores.max(1) * STARTS_PER_CORE);
        // Each run has a socket here.
        if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
        }
        let template = Template::start(program)?;
        Ok(Self { template, turn, numbers: AtomicU64::new(1), starts })
    }

    /// What sandboxes task code.
    pub fn layers(&self) -> &Layers {
        &self.template.layers
    }

    /// Deadline of a turn.
    pub fn turn(&self) -> Duration {
        self.turn
    }

    /// Brings a run to where `journal` ends. If its worker is lost on the way, the run is tried once
    /// more: a second loss is its own doing.
    pub async fn start(&self, seed: Seed, journal: &Journal) -> anyhow::Result<(Session, Turn)> {
        self.twice(encode(&ToWorkerRef::Start { seed: &seed, journal })?.into()).await
    }

    /// Compiles code and runs none of it: its report's end is the error, if there is one.
    pub async fn check(&self, seed: Seed) -> anyhow::Result<Turn> {
        Ok(self.twice(encode(&ToWorkerRef::Check { seed: &seed })?.into()).await?.1)
    }

    async fn twice(&self, frame: Frame) -> anyhow::Result<(Session, Turn)> {
        let _one = self.starts.acquire().await?;
        match self.once(&frame).await? {
            (_, Turn::Lost(Loss::Crashed | Loss::Memory)) => self.once(&frame).await,
            other => Ok(other),
        }
    }

    async fn once(&self, frame: &Frame) -> anyhow::Result<(Session, Turn)> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut session = Session::begin(&self.template, number).await?;
        let turn = session.ask(frame, self.turn + GRACE).await;
        match session.refused.take() {
            Some(why) => Err(anyhow::anyhow!(why)),
            None => Ok((session, turn)),
        }
    }

    /// Gives an outcome to a parked run.
    pub async fn deliver(&self, session: &mut Session, delivery: Delivered<'_>) -> Turn {
        match encode(&ToWorkerRef::Deliver { delivery }) {
            Ok(frame) => session.ask(&frame, self.turn + GRACE).await,
            Err(_) => Turn::Lost(Loss::Crashed),
        }
    }
}
