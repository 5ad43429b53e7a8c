//! Poison, deadlines, keys, caps and retention.

use tasker_core::{Status, TaskRun};

use super::{
    control::name_of,
    fixture::{
        More as _, claim, claim_when_due, doc, end, handed, new, read, rows, send, start, started,
        step,
    },
};
use tasker_store::{NewRun, RunFilter, StorageAdapter, StoreError, SubmitOptions, Submitted};

async fn row(store: &dyn StorageAdapter, run: Submitted) -> TaskRun {
    store.run(run.task_run_id).await.unwrap().unwrap()
}

fn error_of(run: &TaskRun) -> String {
    let error = run.error.clone().map(Err);
    name_of(error.as_ref())
}

pub async fn a_root_that_kills_its_holders_fails(store: &dyn StorageAdapter) {
    let run = start(store, "t").await;
    for crash in 1..=3u32 {
        assert!(!row(store, run).await.status.is_terminal());
        claim_when_due(store, "p").await;
        assert_eq!(store.release_expired(Some("p")).await.unwrap(), 1);
        let root = store.stack_run(run.root_id).await.unwrap().unwrap();
        assert_eq!(root.crashes, crash);
    }
    let ended = row(store, run).await;
    assert_eq!((ended.status, error_of(&ended).as_str()), (Status::Failed, "CrashLoop"));
    assert!(ended.error.unwrap().get().contains("3 times"));
    assert!(store.claim("p").await.unwrap().is_none());
    // A person may try it once more, and it has three tries again.
    store.retry(run.task_run_id, tasker_store::Retry::default()).await.unwrap();
    claim_when_due(store, "p").await;
    store.release_expired(Some("p")).await.unwrap();
    assert_eq!(rows(store, run.task_run_id).await, ["pending"]);
}

pub async fn an_executor_that_dies_counts_as_a_crash(store: &dyn StorageAdapter) {
    let run = start(store, "t").await;
    for _ in 0..3 {
        let claimed = claim_when_due(store, "p").await;
        assert!(store.abandon(&claimed.row.lease, 60_000, 1).await.unwrap());
        assert_eq!(store.release_expired(None).await.unwrap(), 0, "not before its time");
        assert!(store.abandon(&claimed.row.lease, -10, 1).await.unwrap());
        assert_eq!(store.release_expired(None).await.unwrap(), 1);
        assert!(!store.abandon(&claimed.row.lease, 0, 1).await.unwrap(), "the lease is lost");
    }
    let ended = row(store, run).await;
    assert_eq!((ended.status, error_of(&ended).as_str()), (Status::Failed, "CrashLoop"));
}

pub async fn a_call_that_kills_its_holders_is_an_error(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let first = step(run.root_id, &root, (0, 0), vec![read(0), send(1)]).keeps("p");
    let call = handed(store.advance(&first).await.unwrap());
    for _ in 0..2 {
        store.release_expired(Some("p")).await.unwrap();
        assert_eq!(claim_when_due(store, "p").await.row.lease.id, call.lease.id);
    }
    assert_eq!(store.release_expired(Some("p")).await.unwrap(), 1);
    let expected = ["pending_resume", "failed", "pending"];
    assert_eq!(rows(store, run.task_run_id).await, expected, "the task may catch it");
    let delivered = store.image(run.root_id).await.unwrap().journal.delivered.remove(0);
    assert_eq!(name_of(Some(&Err(delivered.value))), "CrashLoop");
    // Progress makes the root's count start anew.
    for _ in 0..2 {
        claim_when_due(store, "p").await;
        store.release_expired(Some("p")).await.unwrap();
    }
    let root = claim_when_due(store, "p").await.row;
    let next = step(run.root_id, &root.lease, (1, 2), vec![]).keeps("p");
    let call = handed(store.advance(&next).await.unwrap());
    assert_eq!(store.stack_run(run.root_id).await.unwrap().unwrap().crashes, 0);
    // What must not be repeated blindly is not given up either: a person decides.
    for _ in 0..3 {
        store.release_expired(Some("p")).await.unwrap();
        let waits = store.claim_attention(call.lease.id, "p").await.unwrap();
        assert!(waits.is_some(), "{:?}", rows(store, run.task_run_id).await);
    }
}

/// Runs that a slot holds at once lose their leases with it, again and again.
async fn crowd(store: &dyn StorageAdapter, n: usize) -> Vec<Submitted> {
    store.publish("t", "1", None).await.unwrap();
    let mut all = Vec::new();
    for _ in 0..n {
        all.push(store.submit(&new("t")).await.unwrap());
    }
    all
}

async fn crashes(store: &dyn StorageAdapter, run: Submitted) -> (u32, Status) {
    let root = store.stack_run(run.root_id).await.unwrap().unwrap();
    (root.crashes, root.status)
}

pub async fn one_of_a_crowd_is_not_to_blame(store: &dyn StorageAdapter) {
    let all = crowd(store, 4).await;
    for crash in 1..=3u32 {
        for _ in &all {
            let row = claim_when_due(store, "p").await.row;
            assert_eq!(row.crashes + 1, crash);
            // An executor that died under four of them says as little.
            if row.lease.id == all[0].root_id || row.lease.id == all[1].root_id {
                assert!(store.abandon(&row.lease, -10, 4).await.unwrap());
            }
        }
        assert_eq!(store.release_expired(Some("p")).await.unwrap(), 4);
        for run in &all {
            assert_eq!(crashes(store, *run).await, (crash, Status::Pending));
        }
    }
}

pub async fn one_that_ran_alone_is_to_blame(store: &dyn StorageAdapter) {
    let all = crowd(store, 4).await;
    for crash in 1..=3u32 {
        for _ in &all {
            let claimed = claim_when_due(store, "p").await;
            if claimed.row.lease.id == all[2].root_id && crash > 1 {
                assert!(store.alone(&claimed.row.lease).await.unwrap());
            }
        }
        assert_eq!(store.release_expired(Some("p")).await.unwrap(), 4);
    }
    for (i, run) in all.iter().enumerate() {
        let expected = if i == 2 { Status::Failed } else { Status::Pending };
        assert_eq!(crashes(store, *run).await, (3, expected), "{i}");
    }
    assert_eq!(error_of(&row(store, all[2]).await), "CrashLoop");
}

pub async fn in_a_storm_nobody_is_to_blame(store: &dyn StorageAdapter) {
    // Restarts while nothing is held: whatever ends the process, it is no run.
    for _ in 0..7 {
        store.release_expired(Some("p")).await.unwrap();
    }
    let run = start(store, "t").await;
    for crash in 1..=3u32 {
        let claimed = claim_when_due(store, "p").await;
        assert!(store.alone(&claimed.row.lease).await.unwrap());
        assert_eq!(store.release_expired(Some("p")).await.unwrap(), 1);
        assert_eq!(crashes(store, run).await, (crash, Status::Pending));
    }
    // What another slot's run is to blame for has nothing to do with it.
    let other = start(store, "u").await;
    for _ in 0..3 {
        let claimed = claim_when_due(store, "q").await;
        assert_eq!(claimed.row.lease.id, other.root_id);
        store.release_expired(Some("q")).await.unwrap();
    }
    assert_eq!(error_of(&row(store, other).await), "CrashLoop");
}

pub async fn a_run_out_of_time_fails(store: &dyn StorageAdapter) {
    store.publish("t", "1", None).await.unwrap();
    let options = SubmitOptions { timeout_ms: Some(60), ..Default::default() };
    let run = store.submit_with(&new("t"), &options).await.unwrap();
    let root = claim(store, "p").await.row.lease;
    let first = step(run.root_id, &root, (0, 0), vec![read(0)]).keeps("p");
    let call = handed(store.advance(&first).await.unwrap());
    assert!(store.next_deadline().await.unwrap().unwrap() <= 60);
    tokio::time::sleep(std::time::Duration::from_millis(80)).await;
    assert_eq!(store.next_deadline().await.unwrap(), Some(0));
    assert_eq!(store.release_expired(None).await.unwrap(), 1);
    let ended = row(store, run).await;
    assert_eq!((ended.status, error_of(&ended).as_str()), (Status::Failed, "RunTimeout"));
    assert!(ended.error.unwrap().get().contains("60 ms"));
    assert!(store.record(&call.lease, &Ok(doc("1")), 1).await.is_err());
    assert_eq!(store.next_deadline().await.unwrap(), None);
    assert_eq!(store.release_expired(None).await.unwrap(), 0);
    // One that ended in time is left alone.
    let run = store.submit_with(&new("t"), &options).await.unwrap();
    let root = claim(store, "p").await.row.lease;
    end(store, run, &root, "1").await;
    tokio::time::sleep(std::time::Duration::from_millis(80)).await;
    assert_eq!(store.release_expired(None).await.unwrap(), 0);
    assert_eq!(row(store, run).await.status, Status::Completed);
}

pub async fn a_key_makes_one_run(store: &dyn StorageAdapter) {
    for name in ["t", "u"] {
        store.publish(name, "1", None).await.unwrap();
    }
    let keyed = SubmitOptions { idempotency_key: Some("k1".into()), ..Default::default() };
    let (one, two) = (new("t"), new("t"));
    let both =
        futures::future::join(store.submit_with(&one, &keyed), store.submit_with(&two, &keyed));
    let (first, second) = both.await;
    let first = first.unwrap();
    assert_eq!(second.unwrap(), first);
    assert_eq!(store.submit_with(&new("t"), &keyed).await.unwrap(), first);
    let other = NewRun { input: doc("{ }"), ..new("t") };
    for (run, why) in [(other, "another input"), (new("u"), "another task")] {
        let refused = store.submit_with(&run, &keyed).await.unwrap_err();
        assert!(matches!(&refused, StoreError::KeyReused(m) if m.contains(why)), "{refused}");
    }
    let fresh = SubmitOptions { idempotency_key: Some("k2".into()), ..Default::default() };
    assert_ne!(store.submit_with(&new("t"), &fresh).await.unwrap(), first);
    assert_ne!(store.submit(&new("t")).await.unwrap(), store.submit(&new("t")).await.unwrap());
}

pub async fn open_runs_are_capped(store: &dyn StorageAdapter) {
    let (first, lease) = started(store, "t", "p").await;
    let capped = SubmitOptions { most_open: Some(2), ..Default::default() };
    store.submit_with(&new("t"), &capped).await.unwrap();
    let full = store.submit_with(&new("t"), &capped).await.unwrap_err();
    assert!(matches!(full, StoreError::Full(2)), "{full}");
    end(store, first, &lease, "1").await;
    store.submit_with(&new("t"), &capped).await.unwrap();
    let none = SubmitOptions { most_open: Some(0), ..Default::default() };
    assert!(matches!(store.submit_with(&new("t"), &none).await, Err(StoreError::Full(0))));
}

pub async fn old_runs_are_forgotten(store: &dyn StorageAdapter) {
    let mut ended = Vec::new();
    for _ in 0..5 {
        let (run, lease) = started(store, "t", "p").await;
        let ends = step(run.root_id, &lease, (0, 0), vec![read(0)]).prints("x").ends("1");
        store.advance(&ends).await.unwrap();
        ended.push(run);
    }
    // A run that outlives the run above it is kept.
    let (outer, root) = started(store, "t", "p").await;
    let call = step(outer.root_id, &root, (0, 0), vec![read(0), read(1)]).keeps("p");
    let call = handed(store.advance(&call).await.unwrap());
    let below = NewRun { parent: Some(call.lease), ..new("t") };
    let below = store.submit(&below).await.unwrap();
    let second = store.claim("p").await.unwrap().unwrap().row;
    let third = store.claim("p").await.unwrap().unwrap().row;
    let (inner, second) =
        if second.root_id == below.root_id { (second, third) } else { (third, second) };
    let last = step(outer.root_id, &second.lease, (0, 2), vec![]).got("1").ends("1");
    store.advance(&last).await.unwrap();

    assert!(!store.forget(below.task_run_id).await.unwrap(), "it goes on");
    assert_eq!(store.prune(3_600_000, 100).await.unwrap(), 0, "none is old");
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert_eq!(store.prune(1, 4).await.unwrap(), 4, "the oldest first");
    assert!(store.run(ended[4].task_run_id).await.unwrap().is_some());
    assert_eq!(store.prune(1, 100).await.unwrap(), 2);
    assert_eq!(store.prune(1, 100).await.unwrap(), 0);
    assert!(store.logs(ended[0].task_run_id, 9).await.unwrap().is_empty());
    assert!(store.stack_run(ended[0].root_id).await.unwrap().is_none());
    let all = RunFilter { limit: 9, ..Default::default() };
    let left = store.runs(&all).await.unwrap();
    assert_eq!((left.len(), left[0].id, left[0].parent_stack_run_id), (1, below.task_run_id, None));
    end(store, below, &inner.lease, "2").await;
    assert_eq!(row(store, below).await.status, Status::Completed);
    assert!(store.forget(below.task_run_id).await.unwrap());
    assert!(store.run(below.task_run_id).await.unwrap().is_none());
    assert!(!store.forget(below.task_run_id).await.unwrap(), "it is gone");
}
