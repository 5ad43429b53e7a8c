//! Runs that a call of another run started.

use tasker_core::wire::Handed;

use super::fixture::{More as _, claim, doc, handed, new, read, rows, started, status, step};
use tasker_store::{NewRun, StorageAdapter, StoreError, Submitted};

/// A run with two calls, of which the first is leased.
async fn outer(store: &dyn StorageAdapter) -> (Submitted, Handed) {
    let (run, root) = started(store, "outer", "p").await;
    let asked = vec![read(0), read(1)];
    let call = store.advance(&step(run.root_id, &root, (0, 0), asked).keeps("p")).await.unwrap();
    (run, handed(call))
}

async fn inner(store: &dyn StorageAdapter, call: &Handed) -> Submitted {
    store.publish("inner", "1", None).await.unwrap();
    let run = NewRun { parent: Some(call.lease.clone()), ..new("inner") };
    store.submit(&run).await.unwrap()
}

pub async fn a_call_becomes_a_run(store: &dyn StorageAdapter) {
    let (run, call) = outer(store).await;
    let below = inner(store, &call).await;
    assert!(!store.holds(&call.lease).await.unwrap(), "the call's lease is over");
    let expected = ["suspended_waiting_child", "suspended_waiting_child", "pending"];
    assert_eq!(rows(store, run.task_run_id).await, expected);
    let row = store.run(below.task_run_id).await.unwrap().unwrap();
    assert_eq!(row.parent_stack_run_id, Some(call.lease.id));

    // The outer run's next call need not wait for the run below.
    let (one, two) = (claim(store, "p").await.row, claim(store, "p").await.row);
    let (root, second) = if one.root_id == below.root_id { (one, two) } else { (two, one) };
    assert_eq!((root.lease.id, second.args.get()), (below.root_id, "[1]"));
    assert_eq!((root.root_id, root.task_run_id), (below.root_id, below.task_run_id));

    // A root is no call, though it has a row above.
    let refused = store.record(&root.lease, &Ok(doc("1")), 1).await.unwrap_err();
    assert!(matches!(refused, StoreError::Rejected(_)), "{refused}");
    let end = step(below.root_id, &root.lease, (0, 0), vec![]).ends(r#"{"b":1}"#);
    let done = store.advance(&end).await.unwrap();
    assert!(done.finished && done.wake, "{done:?}");
    assert_eq!(rows(store, run.task_run_id).await, ["pending_resume", "completed", "processing"]);
    let above = claim(store, "p").await.row;
    assert_eq!(above.lease.id, run.root_id);
    let journal = store.image(run.root_id).await.unwrap().journal;
    assert_eq!((journal.delivered[0].seq, journal.delivered[0].value.get()), (0, r#"{"b":1}"#));
    store.advance(&step(run.root_id, &above.lease, (1, 2), vec![])).await.unwrap();
    let last = step(run.root_id, &second.lease, (1, 2), vec![]).got("2").ends("3");
    assert!(store.advance(&last).await.unwrap().finished);
    assert_eq!(rows(store, run.task_run_id).await, ["completed"; 3]);
}

pub async fn a_failed_run_fails_its_call(store: &dyn StorageAdapter) {
    let (run, call) = outer(store).await;
    let below = inner(store, &call).await;
    let root = store.claim_row(below.root_id, "p").await.unwrap().unwrap().row;
    let mut end = step(below.root_id, &root.lease, (0, 0), vec![]);
    end.end = Some(Err(doc(r#"{"name":"Error"}"#)));
    store.advance(&end).await.unwrap();
    assert_eq!(status(store, below.task_run_id).await, "failed");
    let delivered = store.image(run.root_id).await.unwrap().journal.delivered;
    assert_eq!((delivered[0].ok, delivered[0].value.get()), (false, r#"{"name":"Error"}"#));
}

pub async fn a_call_becomes_one_run_only(store: &dyn StorageAdapter) {
    let (_, call) = outer(store).await;
    let first = inner(store, &call).await;
    assert_eq!(inner(store, &call).await, first, "asked again, it is the same run");
    let mut stranger = call.clone();
    stranger.lease.id = first.root_id;
    let refused = NewRun { parent: Some(stranger.lease), ..new("inner") };
    let error = store.submit(&refused).await.unwrap_err();
    assert!(matches!(error, StoreError::Rejected(_)), "{error}");

    let (_, second) = outer(store).await;
    let mut stale = second.lease.clone();
    stale.epoch -= 1;
    let refused = NewRun { parent: Some(stale), ..new("inner") };
    let error = store.submit(&refused).await.unwrap_err();
    assert!(matches!(error, StoreError::Rejected(_)), "{error}");
    let all = tasker_store::RunFilter { limit: 9, ..Default::default() };
    assert_eq!(store.runs(&all).await.unwrap().len(), 3, "what was refused left nothing");
}

pub async fn an_outer_run_may_end_first(store: &dyn StorageAdapter) {
    let (run, call) = outer(store).await;
    let below = inner(store, &call).await;
    let second = store.claim("p").await.unwrap().unwrap().row;
    let third = store.claim("p").await.unwrap().unwrap().row;
    let (root, second) =
        if second.root_id == below.root_id { (second, third) } else { (third, second) };
    let end = step(run.root_id, &second.lease, (0, 2), vec![]).got("1").ends("1");
    assert!(store.advance(&end).await.unwrap().finished);
    assert_eq!(rows(store, run.task_run_id).await, ["completed", "cancelled", "completed"]);
    // The run below goes on by itself and ends without anybody to tell.
    let end = step(below.root_id, &root.lease, (0, 0), vec![]).ends("2");
    let done = store.advance(&end).await.unwrap();
    assert!(done.finished && !done.wake, "{done:?}");
    assert_eq!(rows(store, run.task_run_id).await, ["completed", "cancelled", "completed"]);
}
