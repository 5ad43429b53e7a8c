//! Open runs that go on on another version of their code.

use tasker_core::{run::Rejected, wire::LeaseRef};

use super::fixture::{More as _, doc, end, handed, new, read, rows, started, status, step};
use tasker_store::{Advanced, NewRun, Result, StorageAdapter, StoreError, Submitted, Upgrade};

/// A run on version 1 with an outcome, whose second call is leased; version 2 is published.
async fn half_way(store: &dyn StorageAdapter) -> (Submitted, LeaseRef, LeaseRef) {
    let (run, root) = started(store, "t", "p").await;
    let one = step(run.root_id, &root, (0, 0), vec![read(0)]).keeps("p");
    let one = handed(store.advance(&one).await.unwrap());
    let two = step(run.root_id, &one.lease, (0, 1), vec![read(1)]).got("0").keeps("p");
    let two = handed(store.advance(&two).await.unwrap());
    assert_eq!(store.publish("t", "second", None).await.unwrap().version, 2);
    (run, root, two.lease)
}

const MOVE: Upgrade = Upgrade { from: 1, to: 2, deliveries: 1, calls: 2 };

fn rejected(done: Result<Advanced>) -> Rejected {
    match done {
        Err(StoreError::Rejected(why)) => why,
        other => panic!("{other:?}"),
    }
}

async fn version(store: &dyn StorageAdapter, run: Submitted) -> Option<i64> {
    store.run(run.task_run_id).await.unwrap().unwrap().version
}

pub async fn a_suspended_run_moves_to_other_code(store: &dyn StorageAdapter) {
    let (run, first, call) = half_way(store).await;
    let id = run.root_id;
    assert!(store.upgrade(run.task_run_id, MOVE).await.unwrap().wake);
    assert_eq!(version(store, run).await, Some(2));
    assert_eq!(store.image(id).await.unwrap().code.as_deref(), Some("second"));
    assert_eq!(rows(store, run.task_run_id).await, ["pending_resume", "completed", "processing"]);

    // The isolate of the old code is parked somewhere, and is given the outcome: it is too late.
    let mut old = step(id, &call, (1, 2), vec![read(2)]).got("1").keeps("p");
    old.made_at = Some(first.epoch);
    assert_eq!(rejected(store.advance(&old).await), Rejected::Outdated);
    let root = store.claim_row(id, "p").await.unwrap().expect("a root to resume").row.lease;
    assert_eq!(rejected(store.advance(&old).await), Rejected::Outdated);
    store.advance(&step(id, &root, (1, 2), vec![]).keeps("p")).await.unwrap();

    // Now the run waits as it did before; still the old isolate does not count, the new one does.
    assert_eq!(rejected(store.advance(&old).await), Rejected::Outdated);
    let mut now = step(id, &call, (1, 2), vec![]).got("1").ends("7");
    now.made_at = Some(root.epoch);
    assert!(store.advance(&now).await.unwrap().finished);
    assert_eq!(status(store, run.task_run_id).await, "completed");
}

pub async fn a_refused_move_changes_nothing(store: &dyn StorageAdapter) {
    let (run, _, call) = half_way(store).await;
    let id = run.task_run_id;
    let tried = [
        (Upgrade { deliveries: 0, ..MOVE }, "an outcome came meanwhile"),
        (Upgrade { calls: 1, ..MOVE }, "a call was made meanwhile"),
        (Upgrade { from: 2, ..MOVE }, "somebody else moved it"),
    ];
    for (how, why) in tried {
        assert_eq!(rejected(store.upgrade(id, how).await), Rejected::Outdated, "{why}");
    }
    let missing = store.upgrade(id, Upgrade { to: 9, ..MOVE }).await;
    assert!(matches!(missing, Err(StoreError::NotFound(_))), "{missing:?}");
    assert_eq!(version(store, run).await, Some(1));
    let waits = ["suspended_waiting_child", "completed", "processing"];
    assert_eq!(rows(store, id).await, waits);

    // While the code runs, nobody knows what it will ask for.
    store.record(&call, &Ok(doc("1")), 1).await.unwrap();
    let root = store.claim_row(run.root_id, "p").await.unwrap().unwrap().row.lease;
    let grown = Upgrade { deliveries: 2, ..MOVE };
    assert_eq!(rejected(store.upgrade(id, grown).await), Rejected::Busy);
    store.advance(&step(run.root_id, &root, (2, 2), vec![]).ends("1")).await.unwrap();
    let ended = rejected(store.upgrade(id, grown).await);
    assert!(matches!(ended, Rejected::Ended(_)), "{ended}");
    assert_eq!(version(store, run).await, Some(1));

    // A run with code of its own has no versions.
    let own = NewRun { code: Some("1".into()), ..new("own") };
    let own = store.submit(&own).await.unwrap();
    let how = Upgrade { from: 1, to: 2, deliveries: 0, calls: 0 };
    assert_eq!(rejected(store.upgrade(own.task_run_id, how).await), Rejected::Outdated);
    let root = store.claim_row(own.root_id, "p").await.unwrap().unwrap().row.lease;
    end(store, own, &root, "1").await;
    let nobody = store.upgrade(tasker_core::TaskRunId(99_999), MOVE).await;
    assert!(matches!(nobody, Err(StoreError::NotFound(_))), "{nobody:?}");
}

pub async fn a_move_keeps_what_is_under_way(store: &dyn StorageAdapter) {
    // Before it was ever run: only the version changes.
    let fresh = super::fixture::start(store, "t").await;
    store.publish("t", "second", None).await.unwrap();
    let how = Upgrade { from: 1, to: 2, deliveries: 0, calls: 0 };
    store.upgrade(fresh.task_run_id, how).await.unwrap();
    assert_eq!(
        (version(store, fresh).await, rows(store, fresh.task_run_id).await),
        (Some(2), vec!["pending"])
    );
    let root = store.claim_row(fresh.root_id, "p").await.unwrap().unwrap().row.lease;
    let asked = vec![read(0), read(1), tasker_store::Ask::Timer(3_600_000)];
    let call =
        handed(store.advance(&step(fresh.root_id, &root, (0, 0), asked).keeps("p")).await.unwrap());

    // A paused run is moved and stays paused; its call under way is not lost.
    store.pause(fresh.task_run_id, true).await.unwrap();
    let third = store.publish("t", "third", None).await.unwrap().version;
    let how = Upgrade { from: 2, to: third, deliveries: 0, calls: 3 };
    store.upgrade(fresh.task_run_id, how).await.unwrap();
    assert!(store.claim("q").await.unwrap().is_none());
    store.record(&call.lease, &Ok(doc("1")), 1).await.unwrap();
    store.pause(fresh.task_run_id, false).await.unwrap();
    let root = store.claim_row(fresh.root_id, "p").await.unwrap().expect("the root").row.lease;
    let image = store.image(fresh.root_id).await.unwrap();
    assert_eq!((image.code.as_deref(), image.journal.delivered.len()), (Some("third"), 1));
    let next = step(fresh.root_id, &root, (1, 3), vec![]).keeps("p");
    let second = handed(store.advance(&next).await.unwrap());
    assert_eq!((second.seq, second.attempt), (1, 1), "the call that was never made is made once");
    let mut last = step(fresh.root_id, &second.lease, (1, 3), vec![]).got("1").ends("1");
    last.cleared = vec![2];
    assert!(store.advance(&last).await.unwrap().finished);
}
