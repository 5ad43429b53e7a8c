//! Short words for the cases.

use tasker_core::{
    HostCall, Json, LogLine, StackRunId, TaskRunId, json,
    wire::{Handed, LeaseRef},
};

use tasker_store::{Advance, Advanced, Ask, Claimed, NewRun, StorageAdapter, Submitted};

/// A task's source.
pub const CODE: &str = "module.exports = async () => 1";

/// A JSON document.
pub fn doc(text: &str) -> Json {
    json::parse(text.to_owned()).unwrap()
}

/// Publishes a task and submits a run of it.
pub async fn start(store: &dyn StorageAdapter, name: &str) -> Submitted {
    store.publish(name, CODE, None).await.unwrap();
    store.submit(&new(name)).await.unwrap()
}

/// A run of a published task.
pub fn new(name: &str) -> NewRun {
    NewRun { name: name.into(), input: doc("{}"), code: None, parent: None }
}

/// Claims the row that must come next.
pub async fn claim(store: &dyn StorageAdapter, owner: &str) -> Claimed {
    store.claim(owner).await.unwrap().expect("a row to claim")
}

/// Claims a row once its pause after a lost lease is over.
pub async fn claim_when_due(store: &dyn StorageAdapter, owner: &str) -> Claimed {
    for _ in 0..500 {
        if let Some(claimed) = store.claim(owner).await.unwrap() {
            return claimed;
        }
        let due = store.next_deadline().await.unwrap().expect("something falls due");
        tokio::time::sleep(std::time::Duration::from_millis(due.clamp(1, 1_000))).await;
    }
    panic!("nothing fell due");
}

/// Starts a run and claims its root.
pub async fn started(store: &dyn StorageAdapter, name: &str, owner: &str) -> (Submitted, LeaseRef) {
    let run = start(store, name).await;
    let root = store.claim_row(run.root_id, owner).await.unwrap().expect("a fresh root");
    (run, root.row.lease)
}

/// A call that may be repeated.
pub fn read(n: u32) -> Ask {
    call("gmail.users.messages.get", n)
}

/// A call that must not be repeated.
pub fn send(n: u32) -> Ask {
    call("gmail.users.messages.send", n)
}

fn call(method: &str, n: u32) -> Ask {
    let args = json::of(&[n]);
    Ask::Call(HostCall::new("wrappedgapi", method, args))
}

/// What task code did: asked for `asked` after it had seen `deliveries` outcomes of `calls` calls.
pub fn step(root: StackRunId, by: &LeaseRef, seen: (u32, u32), asked: Vec<Ask>) -> Advance {
    Advance {
        root_id: root,
        by: by.clone(),
        delivered: None,
        deliveries: seen.0,
        calls: seen.1,
        made_at: None,
        asked,
        cleared: Vec::new(),
        end: None,
        keep: None,
        logs: Vec::new(),
        executor: None,
    }
}

/// More of an [`Advance`].
pub trait More {
    /// The outcome that was delivered to the code.
    fn got(self, result: &str) -> Self;
    /// The run ends with this result.
    fn ends(self, result: &str) -> Self;
    /// The next call goes to this processor.
    fn keeps(self, owner: &str) -> Self;
    /// The code prints a line.
    fn prints(self, message: &str) -> Self;
}

impl More for Advance {
    fn got(mut self, result: &str) -> Self {
        self.delivered = Some((Ok(doc(result)), 1000 + i64::from(self.deliveries)));
        self
    }

    fn ends(mut self, result: &str) -> Self {
        self.end = Some(Ok(doc(result)));
        self
    }

    fn keeps(mut self, owner: &str) -> Self {
        self.keep = Some(owner.into());
        self
    }

    fn prints(mut self, message: &str) -> Self {
        let at_ms = self.logs.len() as i64;
        self.logs.push(LogLine { level: "info".into(), message: message.into(), at_ms });
        self
    }
}

/// The call that was handed on.
pub fn handed(advanced: Advanced) -> Handed {
    advanced.next.expect("the next call")
}

/// Ends a run from its root's lease, which saw nothing yet.
pub async fn end(store: &dyn StorageAdapter, run: Submitted, by: &LeaseRef, result: &str) {
    store.advance(&step(run.root_id, by, (0, 0), vec![]).ends(result)).await.unwrap();
}

/// Status of a run, as a word.
pub async fn status(store: &dyn StorageAdapter, run: TaskRunId) -> &'static str {
    store.run(run).await.unwrap().expect("the run").status.as_str()
}

/// Statuses of a run's rows: the root, then calls and timers by number.
pub async fn rows(store: &dyn StorageAdapter, run: TaskRunId) -> Vec<&'static str> {
    let mut rows = store.stack_runs(run, 0, 1000).await.unwrap();
    rows.sort_by_key(|r| (r.kind != tasker_core::Kind::Task, r.seq));
    rows.into_iter().map(|r| r.status.as_str()).collect()
}
