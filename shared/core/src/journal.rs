//! What happened in a run so far: enough to bring its code back to where it was.

use serde::{Deserialize, Serialize};

use crate::{
    HostCall, Json,
    call::{TIMER, secret_args},
    json,
};

/// Everything a fresh isolate needs to continue a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Journal {
    /// Calls and timers in the order the code made them.
    pub asked: Vec<Asked>,
    /// Outcomes in the order they were delivered.
    pub delivered: Vec<Delivery>,
}

impl Journal {
    /// How many calls and timers the code made.
    pub fn calls(&self) -> u32 {
        u32::try_from(self.asked.len()).unwrap_or(u32::MAX)
    }

    /// How many outcomes it was given.
    pub fn deliveries(&self) -> u32 {
        u32::try_from(self.delivered.len()).unwrap_or(u32::MAX)
    }
}

/// One recorded call or timer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// Service, or [`TIMER`].
    pub service: String,
    /// Dotted method.
    pub method: String,
    /// Arguments as recorded.
    pub args: Json,
}

/// One recorded outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// Which call.
    pub seq: u32,
    /// Resolve or reject.
    pub ok: bool,
    /// Result, or error.
    pub value: Json,
    /// The task's clock from then on, milliseconds since the epoch.
    pub at_ms: i64,
}

impl Asked {
    /// The record of a call.
    pub fn call(call: &HostCall) -> Self {
        Self { service: call.service.clone(), method: call.method.clone(), args: call.args.clone() }
    }

    /// The record of a durable `setTimeout`.
    pub fn timer(delay_ms: u64) -> Self {
        Self { service: TIMER.into(), method: "sleep".into(), args: json::of(&[delay_ms]) }
    }

    /// Compares what the code asks for now with what was recorded; `Err` shows both.
    pub fn matches(&self, now: &Self, seq: u32) -> Result<(), String> {
        if self.service == now.service
            && self.method == now.method
            && self.args.get() == now.args.get()
        {
            return Ok(());
        }
        Err(format!(
            "call {seq} was {} when this run first made it and is {} now: task code must make \
             the same calls in the same order each time it runs",
            self.show(),
            now.show()
        ))
    }

    /// `service.method(args)`, long arguments cut and secrets hidden.
    pub fn show(&self) -> String {
        if secret_args(&self.service, &self.method, self.args.get()) {
            return format!("{}.{}(hidden)", self.service, self.method);
        }
        let args = self.args.get();
        let cut = args.char_indices().nth(200).map_or(args.len(), |(i, _)| i);
        let dots = if cut < args.len() { "..." } else { "" };
        format!("{}.{}({}{dots})", self.service, self.method, &args[..cut])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_shows_both_calls() {
        let then = Asked::timer(5);
        let now = Asked::timer(6);
        assert!(then.matches(&Asked::timer(5), 0).is_ok());
        let message = then.matches(&now, 3).unwrap_err();
        assert!(message.contains("call 3 was timer.sleep([5])"), "{message}");
        assert!(message.contains("is timer.sleep([6]) now"), "{message}");
        let call = |v| HostCall::new("wrappedkeystore", "setKey", json::of(&["n", "k", v]));
        let [then, now] = ["hush", "hush2"].map(|v| Asked::call(&call(v)));
        let message = then.matches(&now, 0).unwrap_err();
        assert!(message.contains("setKey(hidden)") && !message.contains("hush"), "{message}");
    }
}
