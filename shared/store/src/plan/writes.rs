//! The rows that a plan writes.

use tasker_core::{
    Kind, StackRunId, Status, TaskRunId,
    call::TIMER,
    chain::{AtEnd, Child, Root, Seq},
};

use super::{CallRow, Loaded, Settled, Times};
use crate::{
    Value,
    journal::{Column, seal_for_write},
    session::Write,
    sql,
    types::{Ask, Outcome},
};

/// A hundred years: later than that no database can be told.
const FOREVER_MS: i64 = 3_155_760_000_000;

impl Loaded {
    /// Makes a call or timer.
    pub(super) fn insert(&self, seq: Seq, child: &Child, ask: &Ask) -> Write {
        let (service, method, args, idempotent, delay) = match ask {
            Ask::Call(c) => {
                let args = seal_for_write(self.root_id, seq, c, Column::Args);
                (c.service.as_str(), c.method.as_str(), args, c.is_idempotent(), 0)
            }
            Ask::Timer(ms) => {
                let delay = i64::try_from(*ms).unwrap_or(FOREVER_MS).min(FOREVER_MS);
                (TIMER, "sleep", tasker_core::json::of(&[ms]).into(), true, delay)
            }
        };
        let options = match ask {
            Ask::Call(c) if !c.options.is_default() => tasker_core::json::of(&c.options).into(),
            _ => Value::Null,
        };
        let values: [Value; 15] = [
            self.task_run_id.into(),
            self.root_id.into(),
            child.kind.as_str().into(),
            seq.into(),
            service.into(),
            method.into(),
            args,
            child.status.into(),
            child.runnable.into(),
            idempotent.into(),
            child.lease.epoch.into(),
            child.lease.owner.clone().into(),
            delay.into(),
            child.at_end.map(at_end_word).into(),
            options,
        ];
        Write::new(sql::INSERT_CHILD, values)
    }
}

/// The database's word for what the end of its run did to a row.
fn at_end_word(at_end: AtEnd) -> &'static str {
    match at_end {
        AtEnd::Cut => "cut",
        AtEnd::New => "new",
    }
}

/// Reads that word.
pub fn at_end(word: &str) -> Option<AtEnd> {
    [AtEnd::Cut, AtEnd::New].into_iter().find(|a| at_end_word(*a) == word)
}

/// When the row may be claimed: as it was (`None`), or so many milliseconds from now. A timer that
/// is paused, cancelled or opened again keeps its time.
pub fn not_before(before: &Child, child: &Child, times: Times) -> Option<i64> {
    let keeps = child.kind == Kind::Timer && before.status != Status::Processing;
    (!keeps).then_some(times.delay_ms)
}

pub(super) fn save_child(
    root: StackRunId,
    row: &CallRow,
    child: &Child,
    settled: Option<&Settled<'_>>,
    not_before: Option<i64>,
) -> Write {
    let (result, error) = match settled.map(|s| (s.seq, s.outcome)) {
        Some((seq, Ok(result))) => {
            (seal_for_write(root, seq, &row.call, Column::Result(result)), Value::Null)
        }
        other => columns(other.map(|(_, outcome)| outcome)),
    };
    let values: [Value; 11] = [
        row.id.into(),
        child.status.into(),
        child.runnable.into(),
        child.lease.epoch.into(),
        child.lease.owner.clone().into(),
        child.delivery.into(),
        settled.map(|s| s.at_ms).into(),
        result,
        error,
        not_before.into(),
        child.at_end.map(at_end_word).into(),
    ];
    Write::new(sql::SAVE_CHILD, values)
}

pub fn save_root(
    id: StackRunId,
    root: &Root,
    end: Option<&Outcome>,
    executor: Option<&str>,
    times: Times,
) -> Write {
    // Nobody failed in a run that was not wanted any more.
    let (result, error) = columns(end.filter(|_| root.status != Status::Cancelled));
    let values: [Value; 12] = [
        id.into(),
        root.status.into(),
        root.lease.epoch.into(),
        root.waiting_on.into(),
        root.deliveries.into(),
        root.next_seq.into(),
        result,
        error,
        times.delay_ms.into(),
        (!root.paused).into(),
        root.stopped.then_some("stopped").into(),
        executor.into(),
    ];
    Write::new(sql::SAVE_ROOT, values)
}

pub fn end_task(id: TaskRunId, status: Status, end: &Outcome) -> Write {
    let (result, error) = columns(Some(end));
    Write::new(sql::END_TASK, [id.into(), status.into(), result, error])
}

fn columns(outcome: Option<&Outcome>) -> (Value, Value) {
    match outcome {
        Some(Ok(result)) => (result.into(), Value::Null),
        Some(Err(error)) => (Value::Null, error.into()),
        None => (Value::Null, Value::Null),
    }
}
