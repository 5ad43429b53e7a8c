//! Values of rows to write, as plans and steps have them in common.

use tasker_core::{
    HostCall, LogLine, StackRunId,
    call::TIMER,
    json,
    run::{
        Seq,
        step::{Ask, Outcome},
    },
};

use crate::{
    Value,
    journal::{Column, seal_for_write},
};

/// A hundred years: later than that no database can be told.
const FOREVER_MS: i64 = 3_155_760_000_000;

/// What was asked for: kind, service, method, arguments, options, whether it may be repeated, and
/// in how many milliseconds it is due.
pub fn asked(root: StackRunId, seq: Seq, ask: &Ask) -> [Value; 7] {
    let kind = ask.kind().as_str().into();
    match ask {
        Ask::Call(call) => {
            let options = (!call.options.is_default()).then(|| json::of(&call.options));
            let args = seal_for_write(root, seq, call, Column::Args);
            let (service, method) = ((&call.service).into(), (&call.method).into());
            [kind, service, method, args, options.into(), call.is_idempotent().into(), 0_i64.into()]
        }
        Ask::Timer(ms) => {
            let due = i64::try_from(*ms).unwrap_or(FOREVER_MS).min(FOREVER_MS);
            let args = json::of(&[ms]).into();
            [kind, TIMER.into(), "sleep".into(), args, Value::Null, true.into(), due.into()]
        }
    }
}

/// Result and error of a call.
pub fn settled(root: StackRunId, seq: Seq, call: &HostCall, outcome: &Outcome) -> [Value; 2] {
    match outcome {
        Ok(result) => [seal_for_write(root, seq, call, Column::Result(result)), Value::Null],
        Err(error) => [Value::Null, error.into()],
    }
}

/// Result and error of a run; neither while it is open.
pub fn ended(outcome: Option<&Outcome>) -> [Value; 2] {
    match outcome {
        Some(Ok(result)) => [result.into(), Value::Null],
        Some(Err(error)) => [Value::Null, error.into()],
        None => [Value::Null, Value::Null],
    }
}

/// A line that was printed by the run with this id.
pub fn line(run: impl Into<Value>, line: &LogLine) -> [Value; 4] {
    // Postgres has no NUL in text; a line with one must not stop the run.
    let message = line.message.replace('\0', "\u{fffd}");
    [run.into(), (&line.level).into(), message.into(), line.at_ms.into()]
}
