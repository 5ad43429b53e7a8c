//! A parked isolate, how far its code has come, and how far that is on record.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use tasker_core::{
    HostCall, TaskRunId,
    call::{KEYSTORE, TIMER},
    journal::Journal,
    json,
    run::step::Ask,
    wire::TurnReport,
};

use crate::{committer::Commit, pool::Session};

/// A parked isolate.
pub struct Warm {
    pub session: Session,
    pub task_run_id: TaskRunId,
    /// Outcomes that the code was given.
    pub deliveries: u32,
    /// Calls and timers that it has made.
    pub calls: u32,
    /// Epoch of the root's lease under which it was made.
    pub made_at: i64,
    /// Calls and timers that have not ended, by number.
    pub open: BTreeMap<u32, HostCall>,
    /// What was last told of it, for whoever did not hear.
    pub last: Option<TurnReport>,
    /// Its last step, if a call went ahead of that.
    pending: Option<Commit>,
    commits: Arc<Commits>,
}

/// What became of the steps that calls went ahead of.
pub struct Commits {
    failed: AtomicBool,
    /// Number of the last call whose outcome is on record; -1: none.
    recorded: AtomicI64,
}

impl Commits {
    /// The outcome of call `seq` is on record.
    pub fn record(&self, seq: u32) {
        self.recorded.fetch_max(seq.into(), Ordering::SeqCst);
    }

    /// A step was not committed: the isolate knows more than the journal.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::SeqCst);
    }
}

impl Warm {
    /// An isolate that has just replayed `journal`.
    pub fn new(session: Session, task_run_id: TaskRunId, journal: &Journal, made_at: i64) -> Self {
        let (calls, deliveries) = (journal.calls(), journal.deliveries());
        let call = |a: &tasker_core::journal::Asked| known(&a.service, &a.method, &a.args);
        let mut open: BTreeMap<u32, HostCall> = (0..).zip(journal.asked.iter().map(call)).collect();
        journal.delivered.iter().for_each(|delivery| drop(open.remove(&delivery.seq)));
        let commits = Commits { failed: AtomicBool::new(false), recorded: AtomicI64::new(-1) };
        Self {
            session,
            task_run_id,
            deliveries,
            calls,
            made_at,
            open,
            last: None,
            pending: None,
            commits: Arc::new(commits),
        }
    }

    /// Whether it lives, and nothing that it knows failed to be committed.
    pub fn usable(&self) -> bool {
        self.session.alive() && !self.commits.failed.load(Ordering::SeqCst)
    }

    /// Number of the last call whose outcome is known to be on record.
    pub fn recorded(&self) -> Option<u32> {
        u32::try_from(self.commits.recorded.load(Ordering::SeqCst)).ok()
    }

    /// Waits until all that it knows is on record; false if that failed.
    pub async fn committed(&self) -> bool {
        match self.pending.clone() {
            Some(commit) => matches!(commit.now().await, Ok(true)),
            None => self.usable(),
        }
    }

    /// The call of this number, as far as its result's secrecy depends on it.
    pub fn open_call(&self, seq: u32) -> HostCall {
        let gone = || HostCall::new("", "", json::null());
        self.open.get(&seq).cloned().unwrap_or_else(gone)
    }

    /// The code made these calls.
    pub fn asked<'a>(&mut self, asked: impl Iterator<Item = &'a Ask>) {
        for ask in asked {
            let call = match ask {
                Ask::Call(call) => known(&call.service, &call.method, &call.args),
                Ask::Timer(_) => HostCall::new(TIMER, "", json::null()),
            };
            self.open.insert(self.calls, call);
            self.calls += 1;
        }
    }

    /// A turn was committed: call `delivered` ended, and these are not waited for any more.
    pub fn advanced(&mut self, delivered: Option<u32>, cleared: &[u32]) {
        self.deliveries += u32::from(delivered.is_some());
        delivered.iter().chain(cleared).for_each(|seq| drop(self.open.remove(seq)));
        self.last = None;
        self.pending = None;
        // So is the outcome of each call before the first that is open.
        let open = self.open.keys().next().copied().unwrap_or(self.calls);
        self.commits.recorded.store(i64::from(open) - 1, Ordering::SeqCst);
    }

    /// The outcome of call `seq` was given to it; `pending`: its commit, if that is under way.
    pub fn stepped(&mut self, seq: u32, pending: Option<Commit>, told: TurnReport) -> Arc<Commits> {
        self.deliveries += 1;
        self.open.remove(&seq);
        self.last = Some(told);
        self.pending = pending;
        self.commits.clone()
    }
}

/// A call without what nobody asks it for: arguments may be large.
fn known(service: &str, method: &str, args: &tasker_core::Json) -> HostCall {
    let args = if service == KEYSTORE { args.clone() } else { json::null() };
    HostCall::new(service, method, args)
}
