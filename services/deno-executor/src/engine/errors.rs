//! Engine errors as [`TaskError`]s with line and column of the task's own source.

use deno_core::{
    error::{CoreError, CoreErrorKind, JsError},
    v8,
};
use serde::Deserialize;
use tasker_core::TaskError;

use super::{Broken, Function, Limits, prepared::Prepared, watchdog};

/// The error of a broken limit, if one stopped the turn.
pub fn stopped(by: u8, limits: &Limits) -> Option<TaskError> {
    match by {
        watchdog::TIME => Some(TaskError::new(
            "TimeLimit",
            format!(
                "the task ran {} ms without reaching a host call; split long work with \
                 await points, or raise TASKER_TURN_MS",
                limits.turn_ms
            ),
        )),
        watchdog::HEAP => Some(TaskError::new(
            "HeapLimit",
            format!("the task used more than {} MiB of memory", limits.heap_bytes >> 20),
        )),
        _ => None,
    }
}

/// Something that is not the task's fault.
pub fn engine(e: &impl std::fmt::Display) -> Broken {
    Box::new(TaskError::new("EngineError", e.to_string()))
}

/// An error that left the event loop: an unhandled rejection, a throw in a timer.
pub fn core(e: &CoreError, prepared: &Prepared) -> Broken {
    match e.as_kind() {
        CoreErrorKind::Js(js) => Box::new(from_js(js, prepared)),
        other => engine(&other),
    }
}

/// An error that task code threw, as the prelude wrote it down.
pub fn thrown(described: &str, prepared: &Prepared) -> TaskError {
    #[derive(Deserialize)]
    struct Described {
        name: String,
        message: String,
        stack: Option<String>,
        status: Option<u16>,
        retryable: Option<bool>,
        details: Option<serde_json::Value>,
    }
    let Ok(d) = serde_json::from_str::<Described>(described) else {
        return TaskError::new("Error", described);
    };
    let mut error = TaskError::new(d.name, d.message);
    (error.status, error.retryable, error.details) = (d.status, d.retryable, d.details);
    place(&mut error, d.stack.as_deref().unwrap_or_default(), prepared);
    // The limits of the host come as `RangeError: CallLimit: ...`.
    for limit in ["CallLimit", "PayloadTooLarge"] {
        if let Some(rest) = error.message.strip_prefix(limit).and_then(|m| m.strip_prefix(": ")) {
            (error.name, error.message) = (limit.to_owned(), rest.to_owned());
        }
    }
    error
}

fn from_js(js: &JsError, prepared: &Prepared) -> TaskError {
    let name = js.name.clone().unwrap_or_else(|| "Error".into());
    let message = js.message.clone().unwrap_or_else(|| js.exception_message.clone());
    let mut error = TaskError::new(name, message);
    place(&mut error, js.stack.as_deref().unwrap_or_default(), prepared);
    if error.line.is_none()
        && let Some(frame) =
            js.frames.iter().find(|f| f.file_name.as_deref() == Some(&prepared.url))
    {
        let number = |n: Option<i64>| n.and_then(|n| u32::try_from(n).ok());
        if let Some((line, column)) = number(frame.line_number).zip(number(frame.column_number)) {
            let (line, column) = prepared.original(line, column);
            (error.line, error.column) = (Some(line), Some(column));
        }
    }
    error
}

/// Keeps the stack's own frames and reads the place from the first.
fn place(error: &mut TaskError, stack: &str, prepared: &Prepared) {
    let mut own = Vec::new();
    for frame in stack.lines().filter(|l| l.contains(&prepared.url)) {
        let Some((at, line, column)) = position(frame, &prepared.url) else { continue };
        let (line, column) = prepared.original(line, column);
        if error.line.is_none() {
            (error.line, error.column) = (Some(line), Some(column));
        }
        let before = frame[..at].trim_end_matches('(').trim();
        let function = before.strip_prefix("at").unwrap_or(before).trim();
        let place = format!("{}:{line}:{column}", prepared.name);
        own.push(match function {
            "" => format!("    at {place}"),
            name => format!("    at {name} ({place})"),
        });
    }
    if !own.is_empty() {
        error.stack = Some(own.join("\n"));
    }
}

/// `at f (URL:3:7)` -> where the URL starts, 3, 7.
fn position(frame: &str, url: &str) -> Option<(usize, u32, u32)> {
    let at = frame.find(url)?;
    let mut numbers = frame[at + url.len()..].trim_start_matches(':').split([':', ')']);
    let line = numbers.next()?.trim().parse().ok()?;
    let column = numbers.next().and_then(|c| c.trim().parse().ok()).unwrap_or(1);
    Some((at, line, column))
}

/// Calls one of the prelude's functions.
pub fn call(
    scope: &mut v8::PinScope<'_, '_>,
    function: &Function,
    args: &[v8::Local<'_, v8::Value>],
    prepared: &Prepared,
) -> Result<(), Broken> {
    v8::tc_scope!(let tc, scope);
    let this = v8::undefined(tc).into();
    match v8::Local::new(tc, function).call(tc, this, args) {
        Some(_) => Ok(()),
        None => Err(caught(tc, prepared)),
    }
}

/// The exception that a `TryCatch` holds.
pub fn caught<'s, 'i>(
    tc: &mut v8::PinnedRef<'_, v8::TryCatch<'s, '_, v8::HandleScope<'i>>>,
    prepared: &Prepared,
) -> Broken {
    match tc.exception() {
        Some(exception) if !tc.has_terminated() => {
            Box::new(from_js(&JsError::from_v8_exception(tc, exception), prepared))
        }
        _ => Box::new(TaskError::new("Terminated", "the task was stopped")),
    }
}
