//! What the verbs take and answer.

pub use tasker_core::run::step::{Ask, Outcome};
use tasker_core::{
    Json, Kind, LogLine, StackRunId, TaskRunId,
    journal::Journal,
    wire::{Handed, LeaseRef},
};
pub use tasker_secrets::{KeyInfo, Rotate, Rotation};

/// A run to be made.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Name of a published task, or any name when `code` is given.
    pub name: String,
    /// Input, kept byte for byte.
    pub input: Json,
    /// Code that is not published: the run keeps it in its own row.
    pub code: Option<String>,
    /// The host call of another run that becomes this run, and the right to speak for it.
    pub parent: Option<LeaseRef>,
}

/// What a submission may ask for beside the run itself.
#[derive(Clone, Debug, Default)]
pub struct SubmitOptions {
    /// The same key with the same task and input answers the same run, as long as it is kept.
    pub idempotency_key: Option<String>,
    /// The run fails unless it ends within so many milliseconds.
    pub timeout_ms: Option<i64>,
    /// No run is made while so many are open. Runs that are submitted at the same moment may
    /// exceed it by as many; a run that a call becomes is always made.
    pub most_open: Option<u32>,
    /// Whose run it is; nobody's when a service submits it. A run that a call becomes has the owner
    /// of the run above it.
    pub owner: Option<Owner>,
    /// No run is made while the owner's tenant has so many open.
    pub most_open_of_tenant: Option<u32>,
    /// No processor is told: whoever makes the run works on it itself.
    pub untold: bool,
}

/// Whose a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user's id; empty for clients without a user, who are one.
    pub id: String,
    /// Whom the user's open runs count for: the user, or a tenant of many.
    pub tenant: String,
}

/// What a person says about a call that is `needs_attention`.
#[derive(Clone, Debug)]
pub enum Resolution {
    /// It has this outcome.
    Outcome(Outcome),
    /// It is sent again.
    Again,
}

/// How a run goes on after it failed or was cancelled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retry {
    /// On the newest version of its code, which must make the calls made so far once more.
    pub newest_code: bool,
    /// It fails unless it ends within so many milliseconds from now.
    pub timeout_ms: Option<i64>,
}

/// A move of an open run to another version of its code, as a replay has tried it.
#[derive(Clone, Copy, Debug)]
pub struct Upgrade {
    /// Version that the run had.
    pub from: i64,
    /// Version that was tried.
    pub to: i64,
    /// Outcomes that were replayed.
    pub deliveries: u32,
    /// Calls and timers that were compared.
    pub calls: u32,
}

/// A call that waits for a person.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Waiting {
    /// Its row.
    #[serde(rename = "stackRunId")]
    pub id: StackRunId,
    /// Its run.
    #[serde(rename = "taskRunId")]
    pub task_run_id: TaskRunId,
    /// The run's task.
    pub task_name: String,
    /// Number of the call in its run.
    pub seq: u32,
    /// Wrapped service.
    pub service_name: String,
    /// Dotted method.
    pub method_name: String,
    /// Arguments.
    pub args: Json,
    /// Claims so far.
    pub attempt: u32,
    /// Leases lost so far.
    pub crashes: u32,
    /// When it was last sent, or was about to be.
    #[serde(serialize_with = "tasker_core::time::iso_ms::opt")]
    pub sent_at: Option<i64>,
    /// Since when it waits.
    #[serde(serialize_with = "tasker_core::time::iso_ms::serialize")]
    pub since: i64,
}

/// A run that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The run.
    pub task_run_id: TaskRunId,
    /// Its root row.
    pub root_id: StackRunId,
}

/// A row somebody may work on now, with its lease.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Task, call or timer.
    pub kind: Kind,
    /// The row and its lease.
    pub row: Handed,
}

/// A row that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The lease.
    pub lease: LeaseRef,
    /// Root row of its run.
    pub root_id: StackRunId,
}

/// Everything needed to bring a run's code back to where it was.
#[derive(Clone, Debug)]
pub struct RunImage {
    /// Its root row.
    pub root_id: StackRunId,
    /// The run.
    pub task_run_id: TaskRunId,
    /// Name of the task.
    pub name: String,
    /// Code of the version that the run started with; `None` if somebody deleted that.
    pub code: Option<String>,
    /// Input.
    pub input: Json,
    /// The task's clock at its start, milliseconds since the epoch.
    pub started_ms: i64,
    /// Calls and outcomes so far.
    pub journal: Journal,
    /// True once the run ended: there is nothing to resume.
    pub ended: bool,
}

/// What the executor commits after task code ran to a suspension point.
#[derive(Clone, Debug)]
pub struct Advance {
    /// Root row of the run.
    pub root_id: StackRunId,
    /// The lease it ran under: the root's, or that of the call whose outcome was delivered.
    pub by: LeaseRef,
    /// The outcome that was delivered, and the task's clock then. Only with a call's lease.
    pub delivered: Option<(Outcome, i64)>,
    /// Outcomes the code had been given before.
    pub deliveries: u32,
    /// Calls and timers the code had made before.
    pub calls: u32,
    /// Epoch of the root's lease under which this isolate was made, if that is known.
    pub made_at: Option<i64>,
    /// What it asked for now, in order.
    pub asked: Vec<Ask>,
    /// Timers it cleared, and calls it aborted.
    pub cleared: Vec<u32>,
    /// How it ended, if it did.
    pub end: Option<Outcome>,
    /// The processor that takes the next call at once.
    pub keep: Option<String>,
    /// What it printed.
    pub logs: Vec<LogLine>,
    /// Address of the executor that keeps its isolate, if that has one of its own.
    pub executor: Option<String>,
}

/// What a commit led to.
#[derive(Clone, Debug, Default)]
pub struct Advanced {
    /// The next call, leased to the processor that asked for it.
    pub next: Option<Handed>,
    /// Some row can be claimed now or when it falls due: tell a processor.
    pub wake: bool,
    /// The run ended.
    pub finished: bool,
    /// Ids of the rows made for what was asked, in order.
    pub made: Vec<StackRunId>,
}

/// A page of runs.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Only this status.
    pub status: Option<tasker_core::Status>,
    /// Only this task.
    pub name: Option<String>,
    /// Only this owner's.
    pub owner: Option<String>,
    /// Newest so many.
    pub limit: u32,
}
