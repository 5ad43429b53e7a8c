//! Rows as structs. Times are milliseconds since the Unix epoch.

use serde::Serialize;

use crate::{HostCall, Json, StackRunId, Status, TaskRunId, time::iso_ms};

/// What a stack run stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The run of the task itself: the root of its stack.
    Task,
    /// One host call of the task.
    Call,
    /// One durable `setTimeout`.
    Timer,
}

impl Kind {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Call => "call",
            Self::Timer => "timer",
        }
    }

    /// Reads the database's word; anything else is a corrupt row.
    pub fn parse(s: &str) -> Option<Self> {
        [Self::Task, Self::Call, Self::Timer].into_iter().find(|k| k.as_str() == s)
    }
}

/// A row of `stack_runs`.
#[derive(Clone, Debug, Serialize)]
pub struct StackRun {
    /// Primary key.
    pub id: StackRunId,
    /// The run it belongs to.
    #[serde(rename = "parent_task_run_id")]
    pub task_run_id: TaskRunId,
    /// The row that waits for it: a call's root, or the call that started a nested run's root.
    #[serde(rename = "parent_stack_run_id")]
    pub parent_id: Option<StackRunId>,
    /// Task, call or timer.
    pub kind: Kind,
    /// Number of the call in its run, from 0; 0 for a root.
    pub seq: u32,
    /// Wrapped service.
    pub service_name: String,
    /// Dotted method path.
    pub method_name: String,
    /// Arguments.
    pub args: Option<Json>,
    /// State.
    pub status: Status,
    /// The row a suspended row waits for.
    pub waiting_on_stack_run_id: Option<StackRunId>,
    /// Result, once completed.
    pub result: Option<Json>,
    /// Error, once failed.
    pub error: Option<Json>,
    /// Fencing number: grows with each claim, guards each write.
    pub epoch: i64,
    /// Slot name of the processor that holds the lease.
    pub lease_owner: Option<String>,
    /// Claims so far.
    pub attempt: u32,
    /// Leases lost so far.
    pub crashes: u32,
    /// Not to be claimed before.
    #[serde(serialize_with = "iso_ms::serialize")]
    pub not_before: i64,
    /// Whether the call may be repeated after an unknown outcome.
    pub idempotent: bool,
    /// Place of its result in the order of deliveries, from 0.
    pub delivery: Option<u32>,
    /// Task clock at its delivery.
    #[serde(skip)]
    pub delivered_ms: Option<i64>,
    /// When the row was made.
    #[serde(serialize_with = "iso_ms::serialize")]
    pub created_at: i64,
    /// When it last changed.
    #[serde(serialize_with = "iso_ms::serialize")]
    pub updated_at: i64,
    /// When it ended.
    #[serde(serialize_with = "iso_ms::opt")]
    pub ended_at: Option<i64>,
}

impl StackRun {
    /// The call that this row records.
    pub fn call(&self) -> HostCall {
        let args = self.args.clone().unwrap_or_else(crate::json::null);
        HostCall::new(&self.service_name, &self.method_name, args)
    }
}

/// A row of `task_runs`.
#[derive(Clone, Debug, Serialize)]
pub struct TaskRun {
    /// Primary key.
    pub id: TaskRunId,
    /// The published function.
    pub task_function_id: Option<i64>,
    /// Version of the code that the run started with and keeps.
    pub version: Option<i64>,
    /// Name of the task.
    pub task_name: String,
    /// Input, as sent.
    pub input: Json,
    /// State.
    pub status: Status,
    /// What the task returned.
    pub result: Option<Json>,
    /// Why it failed.
    pub error: Option<Json>,
    /// The call its root waits on.
    pub waiting_on_stack_run_id: Option<StackRunId>,
    /// The call of another run that started this one.
    pub parent_stack_run_id: Option<StackRunId>,
    /// Host calls and timers so far.
    pub calls: u32,
    /// When it was submitted.
    #[serde(serialize_with = "iso_ms::serialize")]
    pub created_at: i64,
    /// When it last changed.
    #[serde(serialize_with = "iso_ms::serialize")]
    pub updated_at: i64,
    /// When it ended.
    #[serde(serialize_with = "iso_ms::opt")]
    pub ended_at: Option<i64>,
    /// Nobody works on it until it is resumed.
    pub paused: bool,
    /// When it fails unless it has ended.
    #[serde(serialize_with = "iso_ms::opt")]
    pub deadline: Option<i64>,
    /// Its call that waits for a person.
    pub attention_stack_run_id: Option<StackRunId>,
    /// Who submitted it: a user's id, empty for clients without a user, `None` for a service.
    #[serde(skip)]
    pub owner: Option<String>,
}

/// A row of `task_functions` (newest version).
#[derive(Clone, Debug, Serialize)]
pub struct TaskFunction {
    /// Primary key.
    pub id: i64,
    /// Unique name.
    pub name: String,
    /// Source of the newest version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// First JSDoc block.
    pub description: Option<String>,
    /// Newest version's number, from 1.
    pub version: i64,
    /// When it was first published.
    #[serde(serialize_with = "iso_ms::serialize")]
    pub created_at: i64,
    /// When it last changed.
    #[serde(serialize_with = "iso_ms::serialize")]
    pub updated_at: i64,
}

/// One line a task printed.
#[derive(Clone, Debug, Serialize, serde::Deserialize, PartialEq)]
pub struct LogLine {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The text.
    pub message: String,
    /// Task clock when it was printed.
    pub at_ms: i64,
}
