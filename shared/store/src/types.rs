//! What the verbs take and answer.

use tasker_core::{
    HostCall, Json, Kind, LogLine, StackRunId, TaskRunId,
    journal::Journal,
    wire::{Handed, LeaseRef},
};

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

/// Everything needed to bring a run's code back to where it was.
#[derive(Clone, Debug)]
pub struct RunImage {
    /// The run.
    pub task_run_id: TaskRunId,
    /// Name of the task.
    pub name: String,
    /// Code of the version that the run started with.
    pub code: String,
    /// Input.
    pub input: Json,
    /// The task's clock at its start, milliseconds since the epoch.
    pub started_ms: i64,
    /// Calls and outcomes so far.
    pub journal: Journal,
    /// True once the run ended: there is nothing to resume.
    pub ended: bool,
}

/// An outcome of a call: result, or error.
pub type Outcome = Result<Json, Json>;

/// What the executor commits after task code ran to a quiet point.
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
    /// What it asked for now, in order.
    pub asked: Vec<Ask>,
    /// Timers it cleared.
    pub cleared: Vec<u32>,
    /// How it ended, if it did.
    pub end: Option<Outcome>,
    /// The processor that takes the next call at once.
    pub keep: Option<String>,
    /// What it printed.
    pub logs: Vec<LogLine>,
}

/// One thing task code asked for.
#[derive(Clone, Debug)]
pub enum Ask {
    /// A host call.
    Call(HostCall),
    /// A timer that falls due this many milliseconds after the commit.
    Timer(u64),
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
    /// Newest so many.
    pub limit: u32,
}

/// A key as listed: never its value.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyInfo {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}
