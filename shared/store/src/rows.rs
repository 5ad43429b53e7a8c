//! Rows of the queries, as the structs of core.

use tasker_core::{
    Kind, LogLine, StackRun, StackRunId, Status, TaskFunction, TaskRun, TaskRunId, json,
    wire::LeaseRef,
};

use crate::{
    Result, StoreError,
    types::{Held, Waiting},
    value::Row,
};

pub fn run(mut r: Row) -> Result<TaskRun> {
    let mut run = TaskRun {
        id: TaskRunId(r.int()?),
        task_function_id: r.maybe_int()?,
        version: r.maybe_int()?,
        task_name: r.text()?,
        input: r.maybe_json()?.unwrap_or_else(json::null),
        status: r.status()?,
        result: r.maybe_json()?,
        error: r.maybe_json()?,
        waiting_on_stack_run_id: r.maybe_int()?.map(StackRunId),
        parent_stack_run_id: r.maybe_int()?.map(StackRunId),
        calls: r.count()?,
        created_at: r.int()?,
        updated_at: r.int()?,
        ended_at: r.maybe_int()?,
        paused: r.bool()?,
        deadline: r.maybe_int()?,
        attention_stack_run_id: r.maybe_int()?.map(StackRunId),
        owner: r.maybe_text()?,
    };
    // The row of the run itself is written when it begins and when it ends only.
    if run.attention_stack_run_id.is_some() {
        run.status = Status::NeedsAttention;
    }
    Ok(run)
}

pub fn stack_run(mut r: Row) -> Result<StackRun> {
    Ok(StackRun {
        id: StackRunId(r.int()?),
        task_run_id: TaskRunId(r.int()?),
        parent_id: r.maybe_int()?.map(StackRunId),
        kind: Kind::parse(&r.text()?).ok_or_else(|| StoreError::Corrupt("kind".into()))?,
        seq: r.seq()?,
        service_name: r.text()?,
        method_name: r.text()?,
        args: r.maybe_json()?,
        status: r.status()?,
        waiting_on_stack_run_id: r.maybe_int()?.map(StackRunId),
        result: r.maybe_json()?,
        error: r.maybe_json()?,
        epoch: r.int()?,
        lease_owner: r.maybe_text()?,
        attempt: r.count()?,
        crashes: r.count()?,
        not_before: r.int()?,
        idempotent: r.bool()?,
        delivery: r.maybe_int()?.and_then(|n| u32::try_from(n).ok()),
        delivered_ms: r.maybe_int()?,
        created_at: r.int()?,
        updated_at: r.int()?,
        ended_at: r.maybe_int()?,
    })
}

pub fn function(mut r: Row) -> Result<TaskFunction> {
    Ok(TaskFunction {
        id: r.int()?,
        name: r.text()?,
        code: r.text()?,
        description: r.maybe_text()?,
        version: r.int()?,
        created_at: r.int()?,
        updated_at: r.int()?,
    })
}

pub fn log_line(mut r: Row) -> Result<LogLine> {
    Ok(LogLine { level: r.text()?, message: r.text()?, at_ms: r.int()? })
}

pub fn waiting(mut r: Row) -> Result<Waiting> {
    Ok(Waiting {
        id: StackRunId(r.int()?),
        task_run_id: TaskRunId(r.int()?),
        task_name: r.text()?,
        seq: r.count()?,
        service_name: r.text()?,
        method_name: r.text()?,
        args: r.maybe_json()?.unwrap_or_else(json::null),
        attempt: r.count()?,
        crashes: r.count()?,
        sent_at: r.maybe_int()?,
        since: r.int()?,
    })
}

pub fn held(mut r: Row, owner: &str) -> Result<Held> {
    let lease = LeaseRef { id: StackRunId(r.int()?), epoch: r.int()?, owner: owner.to_owned() };
    Ok(Held { lease, root_id: StackRunId(r.int()?) })
}
