//! Runs that go on after they failed.

use tasker_core::{StackRunId, Status, run::Rejected, wire::LeaseRef};

use super::fixture::{More as _, claim, doc, handed, new, read, rows, send, started, status, step};
use tasker_store::{Advance, Ask, NewRun, Retry, StorageAdapter, StoreError, Submitted};

const PLAIN: Retry = Retry { newest_code: false, timeout_ms: None };

trait Fails {
    /// The outcome that was delivered is a failure.
    fn got_error(self) -> Self;
    /// The run ends with an error.
    fn throws(self) -> Self;
}

impl Fails for Advance {
    fn got_error(mut self) -> Self {
        self.delivered = Some((Err(doc(r#"{"name":"ServiceError"}"#)), 7));
        self
    }

    fn throws(mut self) -> Self {
        self.end = Some(Err(doc(r#"{"name":"Error"}"#)));
        self
    }
}

/// A run with an outcome, whose second call is leased; a timer and a third call are open.
async fn half_way(store: &dyn StorageAdapter) -> (Submitted, LeaseRef) {
    let (run, root) = started(store, "t", "p").await;
    let id = run.root_id;
    let one = step(id, &root, (0, 0), vec![read(0)]).keeps("p");
    let one = handed(store.advance(&one).await.unwrap());
    let asked = vec![read(1), read(2), Ask::Timer(3_600_000)];
    let two = step(id, &one.lease, (0, 1), asked).got("0").keeps("p");
    (run, handed(store.advance(&two).await.unwrap()).lease)
}

/// Claims the root and runs it to its quiet point.
async fn replay(store: &dyn StorageAdapter, root: StackRunId, seen: (u32, u32)) -> LeaseRef {
    let lease = store.claim_row(root, "p").await.unwrap().expect("a root to resume").row.lease;
    let image = store.image(root).await.unwrap();
    assert!(!image.ended);
    let sizes = (image.journal.delivered.len() as u32, image.journal.asked.len() as u32);
    assert_eq!(sizes, seen, "what the replay is given");
    handed(store.advance(&step(root, &lease, seen, vec![]).keeps("p")).await.unwrap()).lease
}

pub async fn a_failed_call_is_made_again(store: &dyn StorageAdapter) {
    let (run, second) = half_way(store).await;
    let id = run.root_id;
    // Told of the failure it clears its timer, asks for one more call, and throws.
    let mut last = step(id, &second, (1, 4), vec![read(4)]).got_error().throws();
    last.cleared = vec![3];
    assert!(store.advance(&last).await.unwrap().finished);
    let ended = ["failed", "completed", "failed", "cancelled", "cancelled", "cancelled"];
    assert_eq!(rows(store, run.task_run_id).await, ended);

    assert!(store.retry(run.task_run_id, PLAIN).await.unwrap().wake);
    assert_eq!(status(store, run.task_run_id).await, "processing");
    let row = store.run(run.task_run_id).await.unwrap().unwrap();
    assert!(row.error.is_none() && row.ended_at.is_none() && row.calls == 4);
    // The call it asked for last is forgotten, the others are open again, the outcome is kept.
    let open = ["pending_resume", "completed", "pending", "pending", "pending"];
    assert_eq!(rows(store, run.task_run_id).await, open);
    let open = store.retry(run.task_run_id, PLAIN).await.unwrap_err();
    assert!(matches!(open, StoreError::Rejected(Rejected::NotFailed(_))), "{open}");
    let late = store.record(&second, &Ok(doc("1")), 1).await.unwrap_err();
    assert!(matches!(late, StoreError::Rejected(Rejected::Fenced)), "{late}");
    assert!(store.next_deadline().await.unwrap().is_some());

    let again = replay(store, id, (1, 4)).await;
    assert_eq!(again.id, second.id);
    let last = step(id, &again, (1, 4), vec![]).got("1").ends("1");
    assert!(store.advance(&last).await.unwrap().finished);
    assert_eq!(status(store, run.task_run_id).await, "completed");
    let done = store.retry(run.task_run_id, PLAIN).await.unwrap_err();
    assert!(matches!(done, StoreError::Rejected(Rejected::NotFailed(Status::Completed))), "{done}");
}

pub async fn a_throw_is_replayed_from_the_journals_end(store: &dyn StorageAdapter) {
    let (run, second) = half_way(store).await;
    let last = step(run.root_id, &second, (1, 4), vec![read(4)]).got("1").throws();
    store.advance(&last).await.unwrap();
    store.publish("t", "fixed", None).await.unwrap();
    let how = Retry { newest_code: true, timeout_ms: Some(60_000) };
    store.retry(run.task_run_id, how).await.unwrap();
    let image = store.image(run.root_id).await.unwrap();
    assert_eq!((image.code.as_deref(), image.journal.delivered.len()), (Some("fixed"), 2));
    assert!(store.run(run.task_run_id).await.unwrap().unwrap().deadline.is_some());
    let third = replay(store, run.root_id, (2, 4)).await;
    let last = step(run.root_id, &third, (2, 4), vec![]).got("2").ends("2");
    assert!(store.advance(&last).await.unwrap().finished);

    // One that threw before it asked for anything.
    let (bare, root) = started(store, "t", "p").await;
    store.advance(&step(bare.root_id, &root, (0, 0), vec![read(0)]).throws()).await.unwrap();
    store.retry(bare.task_run_id, PLAIN).await.unwrap();
    assert_eq!(rows(store, bare.task_run_id).await, ["pending"]);
    let root = claim(store, "p").await.row.lease;
    super::fixture::end(store, bare, &root, "1").await;
}

pub async fn a_cancelled_run_goes_on_where_it_was(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let id = run.root_id;
    let asked = vec![send(0), read(1), Ask::Timer(3_600_000)];
    let call = handed(store.advance(&step(id, &root, (0, 0), asked).keeps("p")).await.unwrap());
    let due = store.stack_runs(run.task_run_id, 0, 9).await.unwrap()[3].not_before;
    store.cancel(run.task_run_id).await.unwrap();
    store.retry(run.task_run_id, PLAIN).await.unwrap();
    // The call may have been made: it is not made again blindly. The timer keeps its time.
    let open = ["pending", "needs_attention", "pending", "pending"];
    assert_eq!(rows(store, run.task_run_id).await, open);
    assert_eq!(store.stack_runs(run.task_run_id, 0, 9).await.unwrap()[3].not_before, due);
    let root = claim(store, "p").await.row;
    assert_eq!(root.lease.id, id);
    let quiet = store.advance(&step(id, &root.lease, (0, 3), vec![]).keeps("p")).await.unwrap();
    assert!(quiet.next.is_none());
    let sent = tasker_store::Resolution::Outcome(Ok(doc("1")));
    store.resolve(call.lease.id, &sent).await.unwrap();
    let second = replay(store, id, (1, 3)).await;
    let last = step(id, &second, (1, 3), vec![]).got("2").ends("2");
    assert!(store.advance(&last).await.unwrap().finished);
}

pub async fn a_failed_run_below_goes_on_too(store: &dyn StorageAdapter) {
    let (outer, root) = started(store, "outer", "p").await;
    let first = step(outer.root_id, &root, (0, 0), vec![read(0)]).keeps("p");
    let call = handed(store.advance(&first).await.unwrap());
    store.publish("inner", "1", None).await.unwrap();
    let below = NewRun { parent: Some(call.lease), ..new("inner") };
    let inner = store.submit(&below).await.unwrap();
    let root = store.claim_row(inner.root_id, "p").await.unwrap().unwrap().row.lease;
    let one = step(inner.root_id, &root, (0, 0), vec![read(0), read(1)]).keeps("p");
    let one = handed(store.advance(&one).await.unwrap());
    let two = step(inner.root_id, &one.lease, (0, 2), vec![]).got("0").keeps("p");
    let two = handed(store.advance(&two).await.unwrap());
    store
        .advance(&step(inner.root_id, &two.lease, (1, 2), vec![]).got_error().throws())
        .await
        .unwrap();
    let root = claim(store, "p").await.row;
    assert_eq!(root.lease.id, outer.root_id);
    store.advance(&step(outer.root_id, &root.lease, (1, 1), vec![]).throws()).await.unwrap();

    store.retry(outer.task_run_id, PLAIN).await.unwrap();
    let call = replay(store, outer.root_id, (0, 1)).await;
    let again = NewRun { parent: Some(call), ..new("inner") };
    assert_eq!(store.submit(&again).await.unwrap(), inner, "the same run goes on");
    let waits = ["suspended_waiting_child", "suspended_waiting_child"];
    assert_eq!(rows(store, outer.task_run_id).await, waits);
    let two = replay(store, inner.root_id, (1, 2)).await;
    let last = step(inner.root_id, &two, (1, 2), vec![]).got("1").ends("5");
    assert!(store.advance(&last).await.unwrap().wake);
    assert_eq!(rows(store, outer.task_run_id).await, ["pending_resume", "completed"]);
}

pub async fn a_finished_run_below_is_not_run_twice(store: &dyn StorageAdapter) {
    let (outer, root) = started(store, "outer", "p").await;
    let id = outer.root_id;
    let first = step(id, &root, (0, 0), vec![read(0), read(1)]).keeps("p");
    let call = handed(store.advance(&first).await.unwrap());
    store.publish("inner", "1", None).await.unwrap();
    let below = NewRun { parent: Some(call.lease), ..new("inner") };
    let inner = store.submit(&below).await.unwrap();
    let root = store.claim_row(inner.root_id, "p").await.unwrap().unwrap().row.lease;
    // The run above fails on its other call; the one below goes on by itself and completes.
    let other = claim(store, "p").await.row;
    store.advance(&step(id, &other.lease, (0, 2), vec![]).got_error().throws()).await.unwrap();
    super::fixture::end(store, inner, &root, "9").await;

    store.retry(outer.task_run_id, PLAIN).await.unwrap();
    let call = replay(store, id, (0, 2)).await;
    let again = NewRun { parent: Some(call), ..new("inner") };
    assert_eq!(store.submit(&again).await.unwrap(), inner);
    assert_eq!(rows(store, outer.task_run_id).await, ["pending_resume", "completed", "pending"]);
    assert_eq!(store.image(id).await.unwrap().journal.delivered[0].value.get(), "9");
}
