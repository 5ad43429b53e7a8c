//! Which calls came in: the newest in full, all of them as counts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};

/// Older lines make room for newer ones.
const MAX_LINES: usize = 50_000;

/// One call.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Counts from 1, through [`Log::clear`] too.
    pub seq: u64,
    /// Epoch milliseconds at which the answer left.
    pub time: i64,
    /// Method id, `oauth2.token` or `unknown`.
    pub method: String,
    /// The address that the call was about or made as; may be empty.
    pub user: String,
    /// Path and query.
    pub path: String,
    /// Status; 0 if the connection was closed without an answer.
    pub status: u16,
    /// Milliseconds from request to answer.
    pub ms: u64,
    /// True if a fault was injected.
    pub fault: bool,
}

/// The request log.
#[derive(Debug, Default)]
pub struct Log(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Line>,
    seq: u64,
    by_method: BTreeMap<String, u64>,
    by_status: BTreeMap<String, u64>,
    running: u64,
    most_running: u64,
}

impl Log {
    /// Notes that a call began.
    pub fn begin(&self) {
        let mut state = self.state();
        state.running += 1;
        state.most_running = state.most_running.max(state.running);
    }

    /// Notes how it ended; numbers the line.
    pub fn end(&self, mut line: Line) {
        let mut state = self.state();
        state.running = state.running.saturating_sub(1);
        state.seq += 1;
        line.seq = state.seq;
        *state.by_method.entry(line.method.clone()).or_default() += 1;
        *state.by_status.entry(line.status.to_string()).or_default() += 1;
        if state.lines.len() == MAX_LINES {
            state.lines.pop_front();
        }
        state.lines.push_back(line);
    }

    /// The lines, oldest first.
    pub fn lines(&self) -> Vec<Line> {
        self.state().lines.iter().cloned().collect()
    }

    /// Forgets lines and counts.
    pub fn clear(&self) {
        let mut state = self.state();
        *state = State { seq: state.seq, running: state.running, ..State::default() };
    }

    /// Counts by method and status since the start or the last clear.
    pub fn stats(&self) -> Value {
        let state = self.state();
        let total: u64 = state.by_method.values().sum();
        let tokens = state.by_method.get("oauth2.token").copied().unwrap_or(0);
        json!({
            "requests": total,
            "tokenRequests": tokens,
            "apiRequests": total - tokens,
            "byMethod": state.by_method,
            "byStatus": state.by_status,
            "mostConcurrent": state.most_running,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
