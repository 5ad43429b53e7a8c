//! What people do to runs: settle calls, cancel, pause.

use tasker_core::{Status, run::Rejected};

use super::fixture::{More as _, claim, doc, handed, new, read, rows, send, started, status, step};
use tasker_store::{
    Ask, NewRun, Outcome, Resolution, RunFilter, StorageAdapter, StoreError, Submitted,
};

fn rejected<T: std::fmt::Debug>(r: Result<T, StoreError>) -> Rejected {
    match r {
        Err(StoreError::Rejected(why)) => why,
        other => panic!("not rejected: {other:?}"),
    }
}

/// A run whose first of two calls may have been made, and the call's row.
async fn unsure(store: &dyn StorageAdapter) -> (Submitted, tasker_core::StackRunId) {
    let (run, root) = started(store, "t", "p").await;
    let asked = vec![send(0), read(1)];
    let first = step(run.root_id, &root, (0, 0), asked).keeps("p");
    let call = handed(store.advance(&first).await.unwrap());
    store.release_expired(Some("p")).await.unwrap();
    (run, call.lease.id)
}

pub async fn a_person_settles_a_call(store: &dyn StorageAdapter) {
    let (run, call) = unsure(store).await;
    let waiting = store.attention(10).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].id, waiting[0].seq), (1, call, 0));
    assert_eq!((waiting[0].task_name.as_str(), waiting[0].args.get()), ("t", "[0]"));
    assert!(waiting[0].sent_at.is_some());
    let row = store.run(run.task_run_id).await.unwrap().unwrap();
    assert_eq!((row.status, row.attention_stack_run_id), (Status::NeedsAttention, Some(call)));
    let filter = RunFilter { status: Some(Status::NeedsAttention), limit: 9, ..Default::default() };
    assert_eq!(store.runs(&filter).await.unwrap().len(), 1);

    // (a) It happened.
    let happened = Resolution::Outcome(Ok(doc("\"sent\"")));
    assert!(store.resolve(call, &happened).await.unwrap().wake);
    assert_eq!(rows(store, run.task_run_id).await, ["pending_resume", "completed", "pending"]);
    assert_eq!(rejected(store.resolve(call, &happened).await), Rejected::NotWaiting);
    assert_eq!(rejected(store.resolve(run.root_id, &happened).await), Rejected::NotWaiting);
    assert!(store.attention(10).await.unwrap().is_empty());
    assert!(store.runs(&filter).await.unwrap().is_empty());

    // (b) It is sent again.
    let (second, call) = unsure(store).await;
    assert!(store.resolve(call, &Resolution::Again).await.unwrap().wake);
    let again = store.claim_row(call, "q").await.unwrap().expect("ready again").row;
    assert_eq!((again.seq, again.attempt), (0, 2));
    let root = step(second.root_id, &again.lease, (0, 2), vec![]).got("1").ends("1");
    assert!(store.advance(&root).await.unwrap().finished);

    // (c) It did not happen, and the task is told so.
    let (third, call) = unsure(store).await;
    let failed = Resolution::Outcome(Err(doc(r#"{"name":"No"}"#)));
    store.resolve(call, &failed).await.unwrap();
    let delivered = store.image(third.root_id).await.unwrap().journal.delivered;
    assert_eq!((delivered[0].ok, delivered[0].value.get()), (false, r#"{"name":"No"}"#));
    let nobody = store.resolve(tasker_core::StackRunId(99_999), &Resolution::Again).await;
    assert!(matches!(nobody, Err(StoreError::NotFound(_))), "{nobody:?}");
}

/// A run whose first call became a run with a call of its own, which is leased.
async fn nested(store: &dyn StorageAdapter) -> (Submitted, Submitted, tasker_core::wire::Handed) {
    let (outer, root) = started(store, "outer", "p").await;
    let first = step(outer.root_id, &root, (0, 0), vec![read(0), read(1)]).keeps("p");
    let call = handed(store.advance(&first).await.unwrap());
    store.publish("inner", "1", None).await.unwrap();
    let below = NewRun { parent: Some(call.lease), ..new("inner") };
    let inner = store.submit(&below).await.unwrap();
    let root = store.claim_row(inner.root_id, "p").await.unwrap().unwrap().row.lease;
    let first = step(inner.root_id, &root, (0, 0), vec![read(0)]).keeps("p");
    let call = handed(store.advance(&first).await.unwrap());
    (outer, inner, call)
}

pub async fn a_run_is_cancelled_with_those_below(store: &dyn StorageAdapter) {
    let (outer, inner, call) = nested(store).await;
    let second = claim(store, "q").await.row;
    assert_eq!(second.root_id, outer.root_id);
    assert!(store.cancel(outer.task_run_id).await.unwrap().finished);
    assert_eq!(rows(store, outer.task_run_id).await, ["cancelled"; 3]);
    assert_eq!(rows(store, inner.task_run_id).await, ["cancelled"; 2]);
    let row = store.run(outer.task_run_id).await.unwrap().unwrap();
    assert!(row.error.unwrap().get().contains("Cancelled") && row.ended_at.is_some());
    // What was under way comes back late and changes nothing.
    for late in [&call, &second] {
        assert_eq!(rejected(store.record(&late.lease, &Ok(doc("1")), 1).await), Rejected::Fenced);
        assert!(!store.holds(&late.lease).await.unwrap());
    }
    assert!(store.claim("p").await.unwrap().is_none());
    assert_eq!(store.next_deadline().await.unwrap(), None);
    store.cancel(outer.task_run_id).await.unwrap();

    let (done, lease) = started(store, "t", "p").await;
    super::fixture::end(store, done, &lease, "1").await;
    let ended = Rejected::Ended(Status::Completed);
    assert_eq!(rejected(store.cancel(done.task_run_id).await), ended);
    assert_eq!(rejected(store.pause(done.task_run_id, true).await), ended);
    let nobody = store.cancel(tasker_core::TaskRunId(99_999)).await;
    assert!(matches!(nobody, Err(StoreError::NotFound(_))), "{nobody:?}");
}

pub async fn a_cancelled_run_fails_the_call_above(store: &dyn StorageAdapter) {
    let (outer, inner, call) = nested(store).await;
    let done = store.cancel(inner.task_run_id).await.unwrap();
    assert!(done.finished && done.wake, "{done:?}");
    assert_eq!(rejected(store.record(&call.lease, &Ok(doc("1")), 1).await), Rejected::Fenced);
    let delivered = store.image(outer.root_id).await.unwrap().journal.delivered;
    assert_eq!((delivered.len(), delivered[0].ok), (1, false));
    assert!(delivered[0].value.get().contains("was cancelled"), "{delivered:?}");
    assert_eq!(status(store, outer.task_run_id).await, "processing");
}

pub async fn a_paused_run_stands_still(store: &dyn StorageAdapter) {
    let fresh = super::fixture::start(store, "t").await;
    store.pause(fresh.task_run_id, true).await.unwrap();
    store.pause(fresh.task_run_id, true).await.unwrap();
    assert!(store.run(fresh.task_run_id).await.unwrap().unwrap().paused);
    assert!(store.claim("p").await.unwrap().is_none());
    assert!(store.claim_row(fresh.root_id, "p").await.unwrap().is_none());
    assert_eq!(store.next_deadline().await.unwrap(), None);
    assert!(store.pause(fresh.task_run_id, false).await.unwrap().wake);
    let root = claim(store, "p").await.row;
    let id = fresh.root_id;

    // Paused in the middle of a warm step: the call under way ends, the next one is not handed on.
    let asked = vec![read(0), read(1), Ask::Timer(0), Ask::Timer(3_600_000)];
    let first =
        handed(store.advance(&step(id, &root.lease, (0, 0), asked).keeps("p")).await.unwrap());
    store.pause(fresh.task_run_id, true).await.unwrap();
    assert!(store.claim("q").await.unwrap().is_none(), "its timer stands still too");
    let next = step(id, &first.lease, (0, 4), vec![read(4)]).got("0").keeps("p");
    let done = store.advance(&next).await.unwrap();
    assert!(done.next.is_none() && !done.wake, "{done:?}");
    assert!(store.claim("q").await.unwrap().is_none());
    let broken = store.check_invariants().await.unwrap();
    assert!(broken.is_empty(), "{broken:?}");

    store.pause(fresh.task_run_id, false).await.unwrap();
    let kinds = [claim(store, "q").await.kind, claim(store, "q").await.kind];
    assert!(kinds.contains(&tasker_core::Kind::Timer) && kinds.contains(&tasker_core::Kind::Call));
    assert!(store.claim("q").await.unwrap().is_none(), "the far timer keeps its time");
    // A holder that dies while the run is paused leaves nothing to claim.
    store.pause(fresh.task_run_id, true).await.unwrap();
    store.release_expired(Some("q")).await.unwrap();
    assert!(store.claim("q").await.unwrap().is_none());
    store.pause(fresh.task_run_id, false).await.unwrap();
    assert!(store.claim("q").await.unwrap().is_some() && store.claim("q").await.unwrap().is_some());
}

pub async fn a_pause_reaches_the_runs_below(store: &dyn StorageAdapter) {
    let (outer, inner, call) = nested(store).await;
    store.pause(outer.task_run_id, true).await.unwrap();
    assert!(store.claim("p").await.unwrap().is_none());
    let last = step(inner.root_id, &call.lease, (0, 1), vec![]).got("1").ends("7");
    assert!(store.advance(&last).await.unwrap().finished);
    // The end of the run below is recorded; the run above stays where it is.
    assert_eq!(rows(store, outer.task_run_id).await, ["pending_resume", "completed", "pending"]);
    assert!(store.claim("p").await.unwrap().is_none());
    store.pause(outer.task_run_id, false).await.unwrap();
    let root = claim(store, "p").await.row;
    assert_eq!(root.lease.id, outer.root_id);
    // A call that becomes a run while the run above is paused makes a paused one.
    let next = step(outer.root_id, &root.lease, (1, 2), vec![]).keeps("p");
    let second = handed(store.advance(&next).await.unwrap());
    store.pause(outer.task_run_id, true).await.unwrap();
    let below = NewRun { parent: Some(second.lease), ..new("inner") };
    let below = store.submit(&below).await.unwrap();
    assert!(store.claim("p").await.unwrap().is_none());
    store.pause(outer.task_run_id, false).await.unwrap();
    assert_eq!(claim(store, "p").await.row.lease.id, below.root_id);
}

/// An error's name.
pub fn name_of(outcome: Option<&Outcome>) -> String {
    let Some(Err(error)) = outcome else { return String::new() };
    let error: serde_json::Value = serde_json::from_str(error.get()).unwrap();
    error["name"].as_str().unwrap_or_default().to_owned()
}
