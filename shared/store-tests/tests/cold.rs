//! Chains whose isolate is gone: outcomes are recorded and the journal is replayed.

use tasker_core::run::Rejected;

use super::fixture::{More as _, claim, doc, handed, read, rows, started, step};
use tasker_store::{Ask, StorageAdapter, StoreError};

pub async fn an_outcome_is_recorded_and_replayed(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let id = run.root_id;
    let asked = vec![read(0), Ask::Timer(0), read(2)];
    let first = handed(store.advance(&step(id, &root, (0, 0), asked).keeps("p")).await.unwrap());
    // The timer falls due first, then the call's outcome; both find no isolate.
    let timer = claim(store, "q").await;
    assert_eq!(timer.kind, tasker_core::Kind::Timer);
    assert_eq!((timer.row.service.as_str(), timer.row.args.get()), ("timer", "[0]"));
    let done = store.record(&timer.row.lease, &Ok(doc("null")), 7).await.unwrap();
    assert!(done.wake && done.next.is_none());
    store.record(&first.lease, &Err(doc("{}")), 8).await.unwrap();
    let twice = store.record(&first.lease, &Ok(doc("1")), 9).await.unwrap_err();
    assert!(matches!(twice, StoreError::Rejected(Rejected::Fenced)), "{twice}");
    assert_eq!(
        rows(store, run.task_run_id).await,
        ["pending_resume", "failed", "completed", "pending"]
    );

    let root = claim(store, "q").await;
    assert_eq!((root.row.lease.id, root.row.attempt), (id, 2));
    assert!(store.claim("q").await.unwrap().is_none(), "the next call waits for the code");
    let journal = store.image(id).await.unwrap().journal;
    let asked: Vec<_> = journal.asked.iter().map(|a| a.service.as_str()).collect();
    assert_eq!(asked, ["wrappedgapi", "timer", "wrappedgapi"]);
    let got: Vec<_> = journal.delivered.iter().map(|d| (d.seq, d.ok, d.at_ms)).collect();
    assert_eq!(got, [(1, true, 7), (0, false, 8)]);

    let cold = step(id, &root.row.lease, (2, 3), vec![read(3)]).keeps("q");
    let third = handed(store.advance(&cold).await.unwrap());
    assert_eq!(third.args.get(), "[2]");
    let last = step(id, &third.lease, (2, 4), vec![]).got("1").ends("1");
    assert!(store.advance(&last).await.unwrap().finished);
}

pub async fn code_that_ran_on_an_old_journal_is_outdated(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let id = run.root_id;
    let asked = vec![read(0), Ask::Timer(0)];
    let call = handed(store.advance(&step(id, &root, (0, 0), asked).keeps("p")).await.unwrap());
    let timer = claim(store, "q").await.row;
    // Both outcomes are there; the code that saw only one of them may not commit.
    store.advance(&step(id, &timer.lease, (0, 2), vec![read(9)]).got("null")).await.unwrap();
    let outdated =
        store.advance(&step(id, &call.lease, (0, 2), vec![]).got("1")).await.unwrap_err();
    assert!(matches!(outdated, StoreError::Rejected(Rejected::Outdated)), "{outdated}");
    let outdated =
        store.advance(&step(id, &call.lease, (1, 2), vec![]).got("1")).await.unwrap_err();
    assert!(matches!(outdated, StoreError::Rejected(Rejected::Outdated)), "{outdated}");
    // Nothing was changed: the outcome can still be recorded.
    store.record(&call.lease, &Ok(doc("1")), 1).await.unwrap();
    assert_eq!(
        rows(store, run.task_run_id).await,
        ["pending_resume", "completed", "completed", "pending"]
    );
}

pub async fn stale_holders_are_fenced(store: &dyn StorageAdapter) {
    let (run, old) = started(store, "t", "p").await;
    let id = run.root_id;
    assert_eq!(store.release_expired(Some("p")).await.unwrap(), 1);
    let fenced = |r: Result<tasker_store::Advanced, StoreError>| match r {
        Err(StoreError::Rejected(Rejected::Fenced)) => {}
        other => panic!("not fenced: {other:?}"),
    };
    fenced(store.advance(&step(id, &old, (0, 0), vec![]).ends("1")).await);
    let new = claim(store, "p").await.row.lease;
    assert!(new.epoch > old.epoch);
    fenced(store.advance(&step(id, &old, (0, 0), vec![]).ends("1")).await);
    assert!(!store.holds(&old).await.unwrap());
    assert!(store.holds(&new).await.unwrap());
    let mut thief = new.clone();
    thief.owner = "q".into();
    fenced(store.advance(&step(id, &thief, (0, 0), vec![]).ends("1")).await);
    assert!(!store.holds(&thief).await.unwrap());

    let call =
        handed(store.advance(&step(id, &new, (0, 0), vec![read(0)]).keeps("p")).await.unwrap());
    fenced(store.advance(&step(id, &new, (0, 1), vec![]).ends("1")).await);
    fenced(store.record(&new, &Ok(doc("1")), 1).await);
    store.release_expired(Some("p")).await.unwrap();
    fenced(store.record(&call.lease, &Ok(doc("1")), 1).await);
    let again = claim(store, "q").await.row;
    assert_eq!((again.lease.id, again.attempt), (call.lease.id, 2));
    fenced(store.advance(&step(id, &call.lease, (0, 1), vec![]).got("2").ends("2")).await);
    let last = step(id, &again.lease, (0, 1), vec![]).got("3").ends("3");
    store.advance(&last).await.unwrap();
    assert_eq!(store.run(run.task_run_id).await.unwrap().unwrap().result.unwrap().get(), "3");
}

pub async fn an_outcome_while_somebody_resumes(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let id = run.root_id;
    let asked = vec![read(0), Ask::Timer(0)];
    let call = handed(store.advance(&step(id, &root, (0, 0), asked).keeps("p")).await.unwrap());
    let timer = claim(store, "q").await.row;
    store.record(&timer.lease, &Ok(doc("null")), 1).await.unwrap();
    let resuming = claim(store, "q").await.row.lease;
    assert_eq!(resuming.id, id);
    // The call ends while the root is being resumed on a journal without it.
    let done = store.record(&call.lease, &Ok(doc("5")), 2).await.unwrap();
    assert!(!done.wake, "whoever resumes finds out by itself");
    let outdated = store.advance(&step(id, &resuming, (1, 2), vec![read(2)])).await.unwrap_err();
    assert!(matches!(outdated, StoreError::Rejected(Rejected::Outdated)), "{outdated}");
    assert_eq!(store.image(id).await.unwrap().journal.delivered.len(), 2);
    let last = step(id, &resuming, (2, 2), vec![]).ends("5");
    assert!(store.advance(&last).await.unwrap().finished);
}
