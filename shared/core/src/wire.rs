//! Bodies that tasker's own parts send each other. What each route answers to clients of the
//! original stands beside its handler.

use serde::{Deserialize, Serialize};

use crate::{HostCall, Json, StackRunId, TaskRunId, call::CallOptions, json};

/// The right to work on one row: its id, its fencing number and who was given it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LeaseRef {
    /// The row.
    #[serde(rename = "stackRunId")]
    pub id: StackRunId,
    /// Its epoch when it was claimed.
    pub epoch: i64,
    /// Slot name of the processor.
    pub owner: String,
}

/// Body of `POST /deno-executor`. With `stackRunId` the code and input are those the run keeps;
/// without it a new run is made for `taskCode`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecuteRequest {
    /// Name of the task.
    pub task_name: Option<String>,
    /// Source, for a run that has no row yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_code: Option<String>,
    /// Input, for a run that has no row yet.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub task_input: Option<Json>,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_run_id: Option<TaskRunId>,
    /// Its root row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_run_id: Option<StackRunId>,
    /// Lease on the root row, when a processor sends this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseRef>,
    /// Whether the sender takes the next call at once.
    pub keep: bool,
}

/// Body of `POST /deno-executor/resume`, in both generations' names.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResumeRequest {
    /// The root row (current name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_run_id: Option<StackRunId>,
    /// The root row (older name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_run_id_to_resume: Option<StackRunId>,
    /// Result of the call it waits for (current name). `null` is a result.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub result: Option<Json>,
    /// Result of the call it waits for (older name).
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub result_to_inject: Option<Json>,
    /// The call's error instead of a result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Json>,
    /// Lease on the call's row, when a processor sends this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseRef>,
    /// Number of the call in its run, with `lease`.
    #[serde(default)]
    pub seq: u32,
    /// Whether the sender takes the next call at once.
    #[serde(default)]
    pub keep: bool,
    /// Address of the processor that a [`TurnReport`] goes to; then this request is answered 202 at
    /// once. Without it the answer says what the code did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
}

/// What the executor tells a processor of the outcome that it was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnReport {
    /// The lease under which the outcome came.
    pub of: LeaseRef,
    /// What comes next.
    pub progress: Progress,
    /// Outcomes of calls up to this number are on record; that of a later one is to be kept: it went
    /// ahead of its commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_through: Option<u32>,
    /// Why the outcome was not taken. The sender still has it, and records it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Body of `POST /deno-executor/check`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckRequest {
    /// Name of the task, for messages.
    pub task_name: String,
    /// Source.
    pub task_code: String,
}

/// Body of `POST /deno-executor/upgrade`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeRequest {
    /// The run.
    pub task_run_id: TaskRunId,
    /// Only say whether it could be moved.
    #[serde(default)]
    pub dry_run: bool,
}

/// What the executor tells a processor beside the answer of the contract.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The next call, leased to the processor that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Handed>,
    /// Some row can be claimed, now or when it falls due.
    #[serde(default)]
    pub wake: bool,
    /// The run ended.
    #[serde(default)]
    pub finished: bool,
    /// No isolate was parked for the run: the result was recorded and waits for a cold resume.
    #[serde(default)]
    pub parked: bool,
}

/// A call row handed to a processor together with its lease.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handed {
    /// The lease.
    pub lease: LeaseRef,
    /// Root row of its run.
    pub root_id: StackRunId,
    /// Its run.
    pub task_run_id: TaskRunId,
    /// Number of the call in its run; 0 for a root.
    pub seq: u32,
    /// Wrapped service.
    pub service: String,
    /// Dotted method.
    pub method: String,
    /// Arguments.
    pub args: Json,
    /// How the task wants it to be made.
    #[serde(default, skip_serializing_if = "CallOptions::is_default")]
    pub options: CallOptions,
    /// Whether it may be repeated after an unknown outcome.
    pub idempotent: bool,
    /// Claims so far, this one included.
    pub attempt: u32,
    /// Leases lost since it last made progress. A task that lost one runs alone.
    #[serde(default)]
    pub crashes: u32,
    /// Address of the executor that keeps the run's isolate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
}

impl Handed {
    /// The call itself.
    pub fn call(&self) -> HostCall {
        let (service, method) = (self.service.clone(), self.method.clone());
        HostCall { service, method, args: self.args.clone(), options: self.options.clone() }
    }

    /// Whether it changes nothing anywhere ([`HostCall::is_safe`]).
    pub fn is_safe(&self) -> bool {
        let (service, method) = (self.service.as_str(), self.method.as_str());
        HostCall::new(service, method, json::null()).is_safe()
    }
}

/// Body of `POST /simple-stack-processor`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessRequest {
    /// `process-next`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Work on this row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_run_id: Option<StackRunId>,
    /// What became of an outcome that the receiver sent to the executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Json>,
}

/// Code of a service's error, answered with 409, that says: nobody knows whether this happened, and
/// asking again will not tell. The call then waits for a person.
pub const UNKNOWN_OUTCOME: &str = "UNKNOWN_OUTCOME";
