//! Durable `setTimeout`, and what the code gives up.

use tasker_core::run::Rejected;

use super::fixture::{More as _, claim, handed, read, rows, started, step};
use tasker_store::{Ask, StorageAdapter, StoreError};

pub async fn a_timer_falls_due(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let asked = vec![Ask::Timer(120), Ask::Timer(0)];
    let done = store.advance(&step(run.root_id, &root, (0, 0), asked)).await.unwrap();
    assert!(done.wake && done.made.len() == 2);
    let now = claim(store, "p").await.row;
    assert_eq!(now.args.get(), "[0]");
    let next = step(run.root_id, &now.lease, (0, 2), vec![]).got("null");
    let done = store.advance(&next).await.unwrap();
    assert!(done.wake, "a deadline may have come nearer");
    let due = loop {
        // The database tells how long to wait.
        let wait = store.next_deadline().await.unwrap().expect("a timer is open");
        assert!(wait <= 120, "{wait}");
        tokio::time::sleep(std::time::Duration::from_millis(wait + 1)).await;
        if let Some(claimed) = store.claim("p").await.unwrap() {
            break claimed.row;
        }
    };
    assert_eq!(due.args.get(), "[120]");
    let row = &store.stack_runs(run.task_run_id, 0, 9).await.unwrap()[1];
    assert!(row.not_before >= row.created_at + 119, "{row:?}");
    let last = step(run.root_id, &due.lease, (1, 2), vec![]).got("null").ends("1");
    assert!(store.advance(&last).await.unwrap().finished);
}

pub async fn timers_are_cleared(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let asked = vec![Ask::Timer(0), Ask::Timer(0), Ask::Timer(0)];
    store.advance(&step(run.root_id, &root, (0, 0), asked)).await.unwrap();
    let (first, second) = (claim(store, "p").await.row, claim(store, "p").await.row);
    // The first clears the second, which is leased, and the third, which waits.
    let mut next = step(run.root_id, &first.lease, (0, 3), vec![Ask::Timer(60_000)]).got("null");
    next.cleared = vec![1, 2, 77];
    store.advance(&next).await.unwrap();
    assert!(store.claim("p").await.unwrap().is_none());
    assert!(!store.holds(&second.lease).await.unwrap());
    let expected = ["suspended_waiting_child", "completed", "cancelled", "cancelled", "pending"];
    assert_eq!(rows(store, run.task_run_id).await, expected);
    let journal = store.image(run.root_id).await.unwrap().journal;
    assert_eq!((journal.asked.len(), journal.delivered.len()), (4, 1));
}

pub async fn a_far_timer_is_kept(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let asked = vec![Ask::Timer(u64::MAX), Ask::Timer(86_400_000 * 365)];
    store.advance(&step(run.root_id, &root, (0, 0), asked)).await.unwrap();
    assert!(store.claim("p").await.unwrap().is_none());
    let due = store.next_deadline().await.unwrap().unwrap();
    assert!((86_400_000 * 364..=86_400_000 * 365).contains(&due), "{due}");
    assert_eq!(
        store.image(run.root_id).await.unwrap().journal.asked[0].args.get(),
        format!("[{}]", u64::MAX)
    );
}

pub async fn calls_are_aborted(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let asked = vec![read(0), read(1), Ask::Timer(0)];
    store.advance(&step(run.root_id, &root, (0, 0), asked)).await.unwrap();
    let (call, timer) = (claim(store, "p").await.row, claim(store, "p").await.row);
    // When the timer fires, a call is under way and one waits: both are given up, and so is the
    // first of the two that are asked for then.
    let asked = vec![read(3), read(4)];
    let mut next = step(run.root_id, &timer.lease, (0, 3), asked).got("null").keeps("p");
    next.cleared = vec![0, 1, 3];
    let last = handed(store.advance(&next).await.unwrap());
    assert_eq!(last.args.get(), "[4]");
    assert!(!store.holds(&call.lease).await.unwrap());
    assert!(store.claim("p").await.unwrap().is_none());
    let late = store.record(&call.lease, &Ok(tasker_core::json::null()), 1).await.unwrap_err();
    assert!(matches!(late, StoreError::Rejected(Rejected::Fenced)), "{late}");
    let cancelled = ["cancelled", "cancelled", "completed", "cancelled", "processing"];
    assert_eq!(rows(store, run.task_run_id).await[1..], cancelled);
    let journal = store.image(run.root_id).await.unwrap().journal;
    assert_eq!((journal.asked.len(), journal.delivered.len()), (5, 1));
    let end = step(run.root_id, &last.lease, (1, 5), vec![]).got("4").ends("4");
    assert!(store.advance(&end).await.unwrap().finished);
}
