//! Processes that run task code. One, the template, holds an isolate that is ready but has no code;
//! each run gets a copy of it by `fork`, which takes a millisecond where making an isolate takes many.
//! A worker has one run: its memory limit, its crash and its end are nobody else's. It has no
//! database, no network address and no key; killing it costs a replay.

mod session;
mod template;

use std::{os::fd::FromRawFd as _, os::unix::net::UnixStream, process::ExitCode};

use crate::{protocol::Limits, sandbox::Mode};

/// What the template is started with, as JSON in its second argument.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct TemplateArgs {
    /// Limits of every run.
    pub limits: Limits,
    /// Memory of one worker, bytes.
    pub worker_bytes: usize,
    /// Whether workers are sandboxed.
    pub sandbox: Mode,
}

/// First argument of a process that is to be a template.
pub const TEMPLATE: &str = "worker-template";

/// If this process was started as a template, works until its executor is gone.
pub fn main() -> Option<ExitCode> {
    let mut args = std::env::args().skip(1);
    args.next().filter(|arg| arg == TEMPLATE)?;
    let settings = args.next().and_then(|json| serde_json::from_str(&json).ok());
    let Some(settings) = settings else { return Some(ExitCode::FAILURE) };
    #[expect(unsafe_code, reason = "the executor gave us standard input, and nobody else reads it")]
    let control = unsafe { UnixStream::from_raw_fd(0) };
    Some(template::run(&control, &settings))
}
