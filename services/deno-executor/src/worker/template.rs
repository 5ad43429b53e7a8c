//! The template: an isolate that is ready, and copies of it for runs.

use std::{
    collections::HashMap,
    fs::File,
    io::Write as _,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::ExitCode,
};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::waitpid,
    },
    unistd::{ForkResult, Pid, close, dup2_stdin, dup2_stdout, fork},
};

use super::{TemplateArgs, session};
use crate::{
    control::{self, Order},
    engine::{Ready, without_threads},
    protocol::{FromWorker, encode},
    sandbox::{self, Layer, Mode},
};

/// Begins and ends workers as it is told to.
pub fn run(control: &UnixStream, args: &TemplateArgs) -> ExitCode {
    close_inherited();
    tasker_http::return_large_values();
    // Panics are caught and reported as the run's error; the default hook would flood the log.
    std::panic::set_hook(Box::new(|_| {}));
    // deno_core polls its own timers only inside a runtime; nothing of ours ever waits in it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    without_threads();
    let ready = runtime.block_on(async { Ready::new(args.limits.heap_bytes) });
    #[cfg(all(feature = "v8", target_os = "linux"))]
    copy_everything();
    let layers: &[Layer] = if args.sandbox == Mode::Off { &[] } else { &Layer::ALL };
    let (layers, filter) = sandbox::enclose(layers);
    if control::report(control, &layers).is_err() {
        return ExitCode::SUCCESS;
    }
    let mut copy = ready.ok().map(|ready| session::Copy { ready, runtime, filter });
    let mut workers = HashMap::new();
    loop {
        match control::receive(control) {
            Ok(Some(Order::Begin(number, pipes))) => {
                if let Some(id) = begin(&mut copy, pipes, args) {
                    workers.insert(number, id);
                }
            }
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

/// Whatever the executor was started with and handed on: a worker has its pipes, and nothing else.
fn close_inherited() {
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers: Vec<i32> =
        open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // That of the list itself is among them, and closed by now.
    for number in numbers.into_iter().filter(|number| *number > 2) {
        let _ = close(number);
    }
}

/// V8 asks the kernel to leave its heap out of copies, which are quick then and of no use here.
#[cfg(all(feature = "v8", target_os = "linux"))]
fn copy_everything() {
    use nix::sys::mman::{MmapAdvise, madvise};

    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let number = |hex: &str| usize::from_str_radix(hex, 16).ok();
    for range in maps.lines().filter_map(|line| line.split_whitespace().next()) {
        let Some((from, to)) = range.split_once('-') else { continue };
        let (Some(from), Some(to)) = (number(from), number(to)) else { continue };
        if let Some(start) = std::ptr::NonNull::new(std::ptr::without_provenance_mut(from)) {
            #[expect(unsafe_code, reason = "it changes nothing but what a copy will have")]
            // Refused for the kernel's own pages, which copies have anyway.
            let _ = unsafe { madvise(start, to - from, MmapAdvise::MADV_DOFORK) };
        }
    }
}

/// A copy of this process works on these pipes.
fn begin(
    copy: &mut Option<session::Copy>,
    [input, output]: [OwnedFd; 2],
    args: &TemplateArgs,
) -> Option<Pid> {
    let refuse = |output: OwnedFd, why: String| {
        if let Ok(frame) = encode(&FromWorker::NoWorker(why)) {
            let _ = File::from(output).write_all(&frame);
        }
    };
    if copy.is_none() {
        refuse(output, "the engine did not start".into());
        return None;
    }
    #[expect(unsafe_code, reason = "this process has one thread, so its copy may do what it may")]
    let forked = unsafe { fork() };
    match forked {
        Ok(ForkResult::Parent { child }) => Some(child),
        Ok(ForkResult::Child) => {
            // A template that is killed takes its workers with it: nobody could end them.
            #[cfg(target_os = "linux")]
            let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
            // Orders are read by the template alone: the worker's pipe takes their place.
            let pipes = dup2_stdin(&input).and_then(|()| dup2_stdout(&output));
            drop((input, output));
            let code = match (copy.take(), pipes) {
                (Some(copy), Ok(())) => session::live(copy, args),
                _ => 1,
            };
            std::process::exit(code);
        }
        Err(error) => {
            refuse(output, format!("fork: {error}"));
            None
        }
    }
}

/// It was not waited for before, so its number is its own.
fn end(worker: Pid) {
    let _ = kill(worker, Signal::SIGKILL);
    let _ = waitpid(worker, None);
}
