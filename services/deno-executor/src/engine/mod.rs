//! One isolate that runs one task, turn by turn. The only module that knows deno_core.
//!
//! A turn gives the code an outcome (or its input) and runs until the event loop is empty. Nothing
//! asynchronous of ours is ever pending, so empty means: ended, or suspended at its open calls.

mod compile;
mod errors;
mod ops;
mod prepared;
mod setup;
mod sources;
mod watchdog;

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use deno_core::{JsRuntime, PollEventLoopOptions, scope, v8};
use tasker_core::{Json, LogLine, TaskError, journal::Delivery, json};

use crate::protocol::{AskedNow, Ended, Limits, Report, Seed};
use ops::{Host, HostRef};
use prepared::{Prepared, Source};
use setup::{Api, Broken, Function, HeapGauge, gone, mix, too_large};
pub use setup::{Ready, without_threads};
pub use watchdog::watch_memory;
use watchdog::{HEAP, NONE, Watchdog};

/// What the ops gathered in one turn.
#[derive(Default)]
pub struct Turn {
    asked: Vec<AskedNow>,
    cleared: Vec<u32>,
    logs: Vec<LogLine>,
    ended: Option<(bool, String)>,
}

/// One run's JavaScript. Lives and dies on one thread.
pub struct Isolate {
    // Dropped before the runtime it belongs to.
    api: Option<Api>,
    module: Option<compile::Pending>,
    runtime: JsRuntime,
    host: HostRef,
    limits: Limits,
    stopped: Arc<AtomicU8>,
    prepared: Prepared,
    heap: HeapGauge,
}

impl Isolate {
    /// Gives an isolate its run; the code is parsed here, so a syntax error is found first.
    pub fn new(ready: Ready, seed: &Seed) -> Result<Self, Broken> {
        let prepared = Prepared::new(&seed.name, &seed.code)?;
        let limits = seed.limits.clone();
        let host = Rc::new(RefCell::new(Host {
            turn: Turn::default(),
            limits: limits.clone(),
            defaults: Default::default(),
            calls: 0,
            open: Default::default(),
            log_bytes: 0,
            turn_bytes: 0,
            now_ms: seed.started_ms,
        }));
        let Ready { api, runtime, stopped, heap } = ready;
        runtime.op_state().borrow_mut().put::<HostRef>(host.clone());
        Ok(Self { api: Some(api), module: None, runtime, host, limits, stopped, prepared, heap })
    }

    /// Compiles the code, as the first turn would, and runs none of it.
    pub async fn compile(&mut self, code: &str) -> Result<(), Broken> {
        prepared::early_errors(code)?;
        compile::only(&mut self.runtime, &self.prepared).await
    }

    /// First turn: loads the code and calls it with its input.
    pub async fn start(&mut self, seed: &Seed) -> Report {
        let mut turn = self.begin();
        let done = self.load_and_call(seed).await;
        turn.quiet(self, done).await
    }

    /// Next turn: an outcome of a call, or a timer that fell due.
    pub async fn deliver(&mut self, delivery: &Delivery) -> Report {
        let mut turn = self.begin();
        {
            let mut host = self.host.borrow_mut();
            host.open.remove(&delivery.seq);
            host.now_ms = host.now_ms.max(delivery.at_ms);
        }
        let done = self.call_deliver(delivery);
        turn.quiet(self, done).await
    }

    fn begin(&mut self) -> Running {
        self.host.borrow_mut().turn_bytes = 0;
        let isolate = self.runtime.v8_isolate().thread_safe_handle();
        Running { deadline: Watchdog::arm(self.limits.turn_ms, isolate, self.stopped.clone()) }
    }

    async fn load_and_call(&mut self, seed: &Seed) -> Result<(), Broken> {
        let (a, b) = mix(seed.run);
        #[expect(clippy::cast_precision_loss, reason = "a time in ms fits 53 bits")]
        let numbers = [f64::from(a), f64::from(b), seed.started_ms as f64];
        {
            let api = self.api.as_ref().ok_or_else(gone)?;
            scope!(scope, self.runtime);
            let args = numbers.map(|n| v8::Number::new(scope, n).into());
            errors::call(scope, &api.seed, &args, &self.prepared)?;
        }
        match self.prepared.source {
            Source::CommonJs => {
                let commonjs = &self.api.as_ref().ok_or_else(gone)?.commonjs;
                let exported = compile::commonjs(&mut self.runtime, commonjs, &self.prepared)?;
                self.call_start(&exported, &seed.input)
            }
            Source::Module => {
                self.module =
                    Some(compile::evaluate(&mut self.runtime, &self.prepared, &seed.input).await?);
                Ok(())
            }
        }
    }

    fn call_start(&mut self, exported: &v8::Global<v8::Value>, input: &Json) -> Result<(), Broken> {
        let api = self.api.as_ref().ok_or_else(gone)?;
        scope!(scope, self.runtime);
        let input = v8::String::new(scope, input.get()).ok_or_else(too_large)?;
        let args = [v8::Local::new(scope, exported), input.into()];
        errors::call(scope, &api.start, &args, &self.prepared)
    }

    fn call_deliver(&mut self, delivery: &Delivery) -> Result<(), Broken> {
        let api = self.api.as_ref().ok_or_else(gone)?;
        scope!(scope, self.runtime);
        let text = v8::String::new(scope, delivery.value.get()).ok_or_else(too_large)?;
        #[expect(clippy::cast_precision_loss, reason = "a time in ms fits 53 bits")]
        let now = delivery.at_ms as f64;
        let args = [
            v8::Integer::new_from_unsigned(scope, delivery.seq).into(),
            v8::Boolean::new(scope, delivery.ok).into(),
            text.into(),
            v8::Number::new(scope, now).into(),
        ];
        errors::call(scope, &api.deliver, &args, &self.prepared)
    }

    /// Runs the event loop until it is empty; a module that has finished loading is called then.
    async fn drain(&mut self) -> Result<(), Broken> {
        loop {
            let ran = self.runtime.run_event_loop(PollEventLoopOptions::default()).await;
            let waits = self.module.is_some();
            ran.or_else(|e| if waits && compile::is_pending(&e) { Ok(()) } else { Err(e) })
                .map_err(|e| errors::core(&e, &self.prepared))?;
            let Some(pending) = self.module.take() else { return Ok(()) };
            match pending.poll(&mut self.runtime, &self.prepared)? {
                Ok((exported, input)) => self.call_start(&exported, &input)?,
                // Still at a top-level await of a host call.
                Err(pending) => {
                    self.module = Some(pending);
                    return Ok(());
                }
            }
        }
    }

    /// The turn is over: what happened, and whether it can go on.
    fn report(&mut self, done: Result<(), Broken>) -> Report {
        if self.runtime.v8_isolate().is_execution_terminating() {
            // QuickJS ends execution at the heap limit by itself.
            let _ = self.stopped.compare_exchange(NONE, HEAP, Ordering::SeqCst, Ordering::SeqCst);
        }
        let heap_bytes = self.heap.read(&mut self.runtime);
        let mut host = self.host.borrow_mut();
        let turn = std::mem::take(&mut host.turn);
        let waits = !host.open.is_empty();
        let broken = errors::stopped(self.stopped.load(Ordering::SeqCst), &self.limits);
        let end = match (broken, turn.ended, done) {
            (Some(limit), _, _) => Some(Ended::Failed(json::of(&limit))),
            (None, Some((ok, text)), _) => Some(self.ended(ok, text)),
            (None, None, Err(error)) => Some(Ended::Failed(json::of(&error))),
            (None, None, Ok(())) if waits => None,
            (None, None, Ok(())) => Some(Ended::Failed(json::of(&TaskError::new(
                "Deadlock",
                "the task waits for a promise that nothing can resolve: it has no open host call \
                 and no timer",
            )))),
        };
        Report { asked: turn.asked, cleared: turn.cleared, logs: turn.logs, end, heap_bytes }
    }

    fn ended(&self, ok: bool, text: String) -> Ended {
        if !ok {
            return Ended::Failed(json::of(&errors::thrown(&text, &self.prepared)));
        }
        if text.len() > self.limits.output_bytes {
            let message = format!(
                "the result is {} bytes of JSON, the limit is {}",
                text.len(),
                self.limits.output_bytes
            );
            return Ended::Failed(json::of(&TaskError::new("OutputTooLarge", message)));
        }
        match json::parse(text) {
            Ok(result) => Ended::Returned(result),
            Err(e) => Ended::Failed(json::of(&TaskError::new("EngineError", e.to_string()))),
        }
    }
}

/// A turn under way, with its deadline.
struct Running {
    deadline: watchdog::Deadline,
}

impl Running {
    async fn quiet(&mut self, isolate: &mut Isolate, done: Result<(), Broken>) -> Report {
        let done = match done {
            Ok(()) => isolate.drain().await,
            Err(error) => Err(error),
        };
        self.deadline.disarm();
        isolate.report(done)
    }
}

impl Drop for Isolate {
    fn drop(&mut self) {
        self.api = None;
        self.module = None;
    }
}
