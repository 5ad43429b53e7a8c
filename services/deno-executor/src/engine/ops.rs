//! What the prelude asks of the host. Everything is counted: memory on this side of the engine is
//! outside its heap limit.

use std::{cell::RefCell, rc::Rc};

use deno_core::{OpState, op2};
use deno_error::JsErrorBox;
use tasker_core::{HostCall, LogLine, call::CallOptions};

use super::{Limits, Turn};
use crate::protocol::AskedNow;

/// What a call or a timer costs beside its text: a row of its own.
const ROW: usize = 256;
/// What a log line costs beside its text: most are short.
const LINE: usize = 64;

/// What happened in the current turn, and the counters of the whole run.
pub struct Host {
    /// Filled by the ops, taken after each turn.
    pub turn: Turn,
    pub limits: Limits,
    /// What calls that say nothing of it are made with.
    pub defaults: CallOptions,
    /// Calls and timers so far.
    pub calls: u32,
    /// Open calls and timers: when quiet with none of them, the task waits for nothing.
    pub open: std::collections::BTreeSet<u32>,
    pub log_bytes: usize,
    pub turn_bytes: usize,
    pub now_ms: i64,
}

pub type HostRef = Rc<RefCell<Host>>;

deno_core::extension!(
    tasker_task,
    ops = [op_task_defaults, op_task_call, op_task_timer, op_task_clear, op_task_log, op_task_ended],
    esm_entry_point = "ext:tasker_task/main.js",
    esm = [
        dir "src/prelude",
        "host.js", "timers.js", "clock.js", "console.js", "web.js", "main.js"
    ],
    lazy_loaded_js = [
        dir "src/prelude",
        "fetch/headers.js", "fetch/form_data.js", "fetch/body.js", "fetch/request.js",
        "fetch/response.js", "fetch/data_url.js", "fetch/fetch.js"
    ],
);

fn host(state: &OpState) -> HostRef {
    state.borrow::<HostRef>().clone()
}

#[op2(fast)]
fn op_task_defaults(state: &mut OpState, #[string] options: String) -> Result<(), JsErrorBox> {
    let defaults = CallOptions::parse_defaults(&options).map_err(JsErrorBox::type_error)?;
    host(state).borrow_mut().defaults = defaults;
    Ok(())
}

#[op2(fast)]
fn op_task_call(
    state: &mut OpState,
    #[smi] seq: u32,
    #[string] asked: String,
) -> Result<(), JsErrorBox> {
    let host = host(state);
    let mut host = host.borrow_mut();
    host.check_size(asked.len())?;
    let call = HostCall::parse(&asked).map_err(JsErrorBox::type_error)?;
    host.ask(seq, asked.len())?;
    let options = call.options.or(&host.defaults);
    host.turn.asked.push(AskedNow::Call {
        service: call.service,
        method: call.method,
        args: call.args,
        options,
    });
    Ok(())
}

#[op2(fast)]
fn op_task_timer(state: &mut OpState, #[smi] seq: u32, ms: f64) -> Result<(), JsErrorBox> {
    let host = host(state);
    let mut host = host.borrow_mut();
    host.ask(seq, 0)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to a year, whole"
    )]
    host.turn.asked.push(AskedNow::Timer(ms as u64));
    Ok(())
}

#[op2(fast)]
fn op_task_clear(state: &mut OpState, #[smi] seq: u32) {
    let host = host(state);
    let mut host = host.borrow_mut();
    host.open.remove(&seq);
    host.turn.cleared.push(seq);
}

#[op2(fast)]
fn op_task_log(state: &mut OpState, #[smi] level: u32, #[string] message: String) {
    let host = host(state);
    let mut host = host.borrow_mut();
    let limit = host.limits.log_bytes;
    if host.log_bytes > limit {
        return;
    }
    host.log_bytes += message.len() + LINE;
    let level = ["debug", "info", "warn", "error"].get(level as usize).copied().unwrap_or("info");
    let line = if host.log_bytes > limit {
        ("warn", format!("the log limit of {limit} bytes is reached: nothing more is kept"))
    } else {
        // Postgres text cannot hold NUL.
        (level, message.replace('\0', "\u{fffd}"))
    };
    let at_ms = host.now_ms;
    host.turn.logs.push(LogLine { level: line.0.to_owned(), message: line.1, at_ms });
}

#[op2(fast)]
fn op_task_ended(state: &mut OpState, ok: bool, #[string] json: String) {
    let host = host(state);
    let mut host = host.borrow_mut();
    if host.turn.ended.is_none() {
        host.turn.ended = Some((ok, json));
    }
}

impl Host {
    fn ask(&mut self, seq: u32, bytes: usize) -> Result<(), JsErrorBox> {
        let (turn_bytes, most) = (self.turn_bytes + bytes + ROW, 4 * self.limits.payload_bytes);
        if turn_bytes > most {
            return Err(JsErrorBox::range_error(format!(
                "PayloadTooLarge: calls and timers made without awaiting take over {most} bytes"
            )));
        }
        if self.calls >= self.limits.calls {
            return Err(JsErrorBox::range_error(format!(
                "CallLimit: a run may make {} host calls",
                self.limits.calls
            )));
        }
        self.turn_bytes = turn_bytes;
        self.calls += 1;
        self.open.insert(seq);
        Ok(())
    }

    fn check_size(&self, bytes: usize) -> Result<(), JsErrorBox> {
        if bytes > self.limits.payload_bytes {
            return Err(JsErrorBox::range_error(format!(
                "PayloadTooLarge: the arguments are {bytes} bytes, the limit is {}",
                self.limits.payload_bytes
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tasker_core::{Json, journal::Delivery, json};

    use crate::{
        engine::{Isolate, Ready},
        protocol::{Ended, Limits, Report, Seed},
    };

    fn isolate(code: &str) -> (Isolate, Seed) {
        let limits = Limits {
            turn_ms: 5_000,
            heap_bytes: 64 << 20,
            calls: 1_000,
            output_bytes: 1_000,
            payload_bytes: 1_000,
            log_bytes: 1_000,
        };
        let (name, code) = ("t".to_owned(), code.to_owned());
        let seed = Seed { run: 1, name, code, input: json::null(), started_ms: 0, limits };
        let ready = Ready::new(seed.limits.heap_bytes).unwrap();
        (Isolate::new(ready, &seed).unwrap(), seed)
    }

    fn result(report: Report) -> Json {
        match report.end {
            Some(Ended::Returned(result)) => result,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn lines_cost_more_than_their_text() {
        let code = "module.exports = () => { for (let i = 0; i < 1000; i++) console.log(''); }";
        let (mut isolate, seed) = isolate(code);
        let report = isolate.start(&seed).await;
        assert!((10..20).contains(&report.logs.len()), "{}", report.logs.len());
        assert!(report.logs.last().unwrap().message.contains("log limit"));
    }

    #[tokio::test]
    async fn calls_and_timers_without_end_are_refused_and_leave_no_gap() {
        let code = "module.exports = async () => { \
            const first = __callHostTool__('s', 'p', []); let timers = 0; let error; \
            try { for (;;) { setTimeout(() => {}, 1); timers++; } } catch (e) { error = e; } \
            await first; const second = await __callHostTool__('s', 'p', [timers]); \
            return [second, error.message.slice(0, 15)]; }";
        let (mut isolate, seed) = isolate(code);
        let asked = isolate.start(&seed).await.asked.len();
        assert!((10..20).contains(&asked), "{asked}");
        let outcome = |seq: usize, value: &str| Delivery {
            seq: u32::try_from(seq).unwrap(),
            ok: true,
            value: json::parse(value.to_owned()).unwrap(),
            at_ms: 1,
        };
        assert_eq!(isolate.deliver(&outcome(0, "1")).await.asked.len(), 1);
        let end = result(isolate.deliver(&outcome(asked, "2")).await);
        assert_eq!(end.get(), r#"[2,"PayloadTooLarge"]"#);
    }
}
