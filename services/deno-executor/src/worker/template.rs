//! The template: an isolate that is ready, and copies of it for runs.

use std::{collections::HashMap, io::Write as _, os::unix::net::UnixStream, process::ExitCode};

use nix::{
    sys::{
        prctl,
        signal::{Signal, kill},
        wait::waitpid,
    },
    unistd::{ForkResult, Pid, dup2_stdin, fork},
};

use super::{TemplateArgs, session};
use crate::{
    control::{self, Order},
    engine::Ready,
    protocol::{FromWorker, encode},
};

/// Begins and ends workers as it is told to.
pub fn run(control: &UnixStream, args: &TemplateArgs) -> ExitCode {
    tasker_http::return_large_values();
    // Panics are caught and reported as the run's error; the default hook would flood the log.
    std::panic::set_hook(Box::new(|_| {}));
    // deno_core polls its own timers only inside a runtime; nothing of ours ever waits in it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    let ready = runtime.block_on(async { Ready::new(args.limits.heap_bytes) });
    let mut copy = ready.ok().map(|ready| session::Copy { ready, runtime });
    let mut workers = HashMap::new();
    loop {
        match control::receive(control) {
            Ok(Some(Order::Begin(number, socket))) => match begin(&mut copy, socket.into(), args) {
                Some(id) => drop(workers.insert(number, id)),
                None => continue,
            },
            Ok(Some(Order::End(number))) => {
                workers.remove(&number).into_iter().for_each(end);
            }
            // The executor is gone; nobody wants the rest.
            Ok(None) | Err(_) => {
                workers.into_values().for_each(end);
                return ExitCode::SUCCESS;
            }
        }
    }
}

/// A copy of this process works on `socket`.
fn begin(
    copy: &mut Option<session::Copy>,
    mut socket: UnixStream,
    args: &TemplateArgs,
) -> Option<Pid> {
    let refuse = |socket: &mut UnixStream, why: String| {
        if let Ok(frame) = encode(&FromWorker::NoWorker(why)) {
            let _ = socket.write_all(&frame);
        }
    };
    if copy.is_none() {
        refuse(&mut socket, "the engine did not start".into());
        return None;
    }
    #[expect(unsafe_code, reason = "this process has one thread, so its copy may do what it may")]
    let forked = unsafe { fork() };
    match forked {
        Ok(ForkResult::Parent { child }) => Some(child),
        Ok(ForkResult::Child) => {
            // A template that is killed takes its workers with it: nobody could end them.
            let _ = prctl::set_pdeathsig(Signal::SIGKILL);
            // Orders are read by the template alone: the worker's socket takes their place.
            let code = match (copy.take(), dup2_stdin(&socket)) {
                (Some(copy), Ok(())) => session::live(copy, socket, args),
                _ => 1,
            };
            std::process::exit(code);
        }
        Err(error) => {
            refuse(&mut socket, format!("fork: {error}"));
            None
        }
    }
}

/// It was not waited for before, so its number is its own.
fn end(worker: Pid) {
    let _ = kill(worker, Signal::SIGKILL);
    let _ = waitpid(worker, None);
}
