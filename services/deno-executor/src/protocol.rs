//! Frames between the executor and its worker processes: a length (4 bytes, little endian), then
//! that much JSON.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use tasker_core::{
    Json, LogLine,
    call::CallOptions,
    journal::{Asked, Delivery, Journal},
    run::replay::Recordable,
};

/// Limits of one run; breaking one ends it with a typed error.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Limits {
    /// Longest stretch of JavaScript between two host calls, milliseconds of wall clock.
    #[arg(long, env = "TASKER_TURN_MS", default_value_t = 5_000)]
    pub turn_ms: u64,
    /// JavaScript heap of one run, bytes.
    #[arg(long, env = "TASKER_HEAP_BYTES", default_value_t = 128 << 20)]
    pub heap_bytes: usize,
    /// Host calls and timers of one run.
    #[arg(long, env = "TASKER_MAX_CALLS", default_value_t = 1_000_000)]
    pub calls: u32,
    /// Result of one run, bytes of JSON.
    #[arg(long, env = "TASKER_OUTPUT_BYTES", default_value_t = 64 << 20)]
    pub output_bytes: usize,
    /// Arguments of one host call, bytes of JSON.
    #[arg(long, env = "TASKER_PAYLOAD_BYTES", default_value_t = 10 << 20)]
    pub payload_bytes: usize,
    /// Text one run may print, bytes.
    #[arg(long, env = "TASKER_LOG_BYTES", default_value_t = 4 << 20)]
    pub log_bytes: usize,
}

/// A run as a worker needs it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Seed {
    /// Seeds the run's random numbers.
    pub run: i64,
    /// Name of the task, for messages.
    pub name: String,
    /// Source as published.
    pub code: String,
    /// Input.
    pub input: Json,
    /// The task's clock at its start.
    pub started_ms: i64,
    /// Limits.
    pub limits: Limits,
}

/// What the executor tells a worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToWorker {
    /// Run the code, and bring it to where the journal ends.
    Start {
        /// The run.
        seed: Box<Seed>,
        /// What happened before.
        journal: Journal,
    },
    /// Compile the code and run none of it.
    Check {
        /// The code.
        seed: Box<Seed>,
    },
    /// Give an outcome to the code.
    Deliver {
        /// The outcome.
        delivery: Delivery,
    },
}

/// [`ToWorker`] with documents that stay where they are: they may be large.
#[derive(Debug, Serialize)]
pub enum ToWorkerRef<'a> {
    /// [`ToWorker::Start`].
    Start {
        /// The run.
        seed: &'a Seed,
        /// What happened before.
        journal: &'a Journal,
    },
    /// [`ToWorker::Check`].
    Check {
        /// The code.
        seed: &'a Seed,
    },
    /// [`ToWorker::Deliver`].
    Deliver {
        /// The outcome.
        delivery: Delivered<'a>,
    },
}

/// [`Delivery`] of a borrowed outcome.
#[derive(Debug, Serialize)]
pub struct Delivered<'a> {
    /// Number of the call in its run.
    pub seq: u32,
    /// Whether it is a result.
    pub ok: bool,
    /// Result or error.
    pub value: &'a Json,
    /// The task's clock.
    pub at_ms: i64,
}

/// What a worker answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromWorker {
    /// The code is quiet.
    Quiet(Report),
    /// Still replaying; sent now and then so that a long replay is not taken for a hang.
    Alive,
    /// It used too much memory, and ends.
    OutOfMemory,
    /// There is no worker, for this reason; the template says so in its place.
    NoWorker(String),
}

/// What task code did up to its quiet point.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// New calls and timers, in order.
    pub asked: Vec<AskedNow>,
    /// Timers cleared, and calls aborted.
    pub cleared: Vec<u32>,
    /// Lines printed, replayed ones included.
    pub logs: Vec<LogLine>,
    /// How the task ended, if it did: result, or a `TaskError`.
    pub end: Option<Ended>,
    /// JavaScript heap in use, bytes, beyond that of an isolate without code.
    pub heap_bytes: usize,
}

/// How a task ended.
#[derive(Debug, Serialize, Deserialize)]
pub enum Ended {
    /// It returned this.
    Returned(Json),
    /// It failed with this `TaskError`.
    Failed(Json),
}

/// A call or timer that has just been asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AskedNow {
    /// A host call.
    Call {
        /// Service.
        service: String,
        /// Dotted method.
        method: String,
        /// Arguments.
        args: Json,
        /// How it is to be made.
        options: CallOptions,
    },
    /// A timer, milliseconds from now.
    Timer(u64),
}

impl Recordable for AskedNow {
    fn recorded(&self) -> Asked {
        match self {
            Self::Call { service, method, args, .. } => {
                Asked { service: service.clone(), method: method.clone(), args: args.clone() }
            }
            Self::Timer(ms) => Asked::timer(*ms),
        }
    }
}

/// Largest frame: a journal of many large results.
const LARGEST: u32 = 1 << 30;

/// One frame as bytes.
pub fn encode(frame: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, frame)?;
    let length = u32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    Ok(bytes)
}

/// Reads one frame's body; `None` at the end of the stream.
pub fn read_frame(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = checked(length)?;
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    Ok(Some(body))
}

/// A frame's length from its first bytes.
pub fn checked(length: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(length);
    if length > LARGEST { Err(io::Error::other("frame too large")) } else { Ok(length as usize) }
}
