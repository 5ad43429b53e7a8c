//! Submitting and claiming.

use std::collections::BTreeSet;

use futures::future::join_all;
use tasker_core::{Kind, StackRunId};

use super::fixture::{More as _, claim, doc, end, handed, new, read, start, started, step};
use tasker_store::{NewRun, StorageAdapter, StoreError};

pub async fn an_unknown_task_is_not_found(store: &dyn StorageAdapter) {
    let error = store.submit(&new("nobody")).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
    assert!(error.to_string().contains("nobody"), "{error}");
    assert!(
        store
            .runs(&tasker_store::RunFilter { limit: 9, ..Default::default() })
            .await
            .unwrap()
            .is_empty()
    );
    let missing = StackRunId(4711);
    assert!(store.claim_row(missing, "p").await.unwrap().is_none());
    assert!(matches!(store.image(missing).await, Err(StoreError::NotFound(_))));
    assert!(store.run(tasker_core::TaskRunId(4711)).await.unwrap().is_none());
}

pub async fn a_submitted_run_waits_to_be_claimed(store: &dyn StorageAdapter) {
    store.publish("t", "code", Some("about")).await.unwrap();
    let run = NewRun { input: doc(r#"{"a":1}"#), ..new("t") };
    let made = store.submit(&run).await.unwrap();
    let row = store.run(made.task_run_id).await.unwrap().unwrap();
    assert_eq!((row.task_name.as_str(), row.status.as_str(), row.calls), ("t", "pending", 0));
    assert_eq!((row.input.get(), row.version), (r#"{"a":1}"#, Some(1)));
    assert_eq!(store.next_deadline().await.unwrap(), Some(0));

    let claimed = claim(store, "p").await;
    assert_eq!((claimed.kind, claimed.row.lease.id), (Kind::Task, made.root_id));
    assert_eq!((claimed.row.lease.epoch, claimed.row.attempt), (1, 1));
    assert_eq!((claimed.row.root_id, claimed.row.task_run_id), (made.root_id, made.task_run_id));
    assert_eq!(claimed.row.args.get(), r#"["t"]"#);
    assert!(store.claim("p").await.unwrap().is_none());

    let image = store.image(made.root_id).await.unwrap();
    assert_eq!((image.code.as_deref(), image.input.get()), (Some("code"), r#"{"a":1}"#));
    assert_eq!((image.task_run_id, image.started_ms), (made.task_run_id, row.created_at));
    assert!(image.journal.asked.is_empty() && !image.ended);

    end(store, made, &claimed.row.lease, "[7]").await;
    let row = store.run(made.task_run_id).await.unwrap().unwrap();
    assert_eq!((row.status.as_str(), row.result.unwrap().get()), ("completed", "[7]"));
    assert!(row.ended_at.unwrap() >= row.created_at && row.error.is_none());
    assert!(store.image(made.root_id).await.unwrap().ended);
}

pub async fn rows_are_claimed_in_the_order_they_fell_due(store: &dyn StorageAdapter) {
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(start(store, "t").await.root_id);
    }
    // Given back, the first waits behind the others.
    let first = claim(store, "p").await.row;
    store.release(&first, 2).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    made.rotate_left(1);
    for expected in made {
        assert_eq!(claim(store, "p").await.row.lease.id, expected);
    }
}

pub async fn one_named_row_is_claimed_once(store: &dyn StorageAdapter) {
    let (first, second) = (start(store, "t").await, start(store, "t").await);
    let both = join_all([
        store.claim_row(second.root_id, "a"),
        store.claim_row(second.root_id, "b"),
        store.claim_row(second.root_id, "c"),
    ]);
    let got: Vec<_> = both.await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].row.lease.id, second.root_id);
    assert_eq!(claim(store, "d").await.row.lease.id, first.root_id);
}

pub async fn nothing_is_claimed_twice(store: &dyn StorageAdapter) {
    store.publish("t", "1", None).await.unwrap();
    for _ in 0..40 {
        store.submit(&new("t")).await.unwrap();
    }
    let worker = async |owner: String| {
        let mut mine = Vec::new();
        while let Some(claimed) = store.claim(&owner).await.unwrap() {
            mine.push(claimed.row.lease.id);
        }
        mine
    };
    let all = join_all((0..6).map(|n| worker(format!("p{n}")))).await.concat();
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (40, 40));
}

pub async fn a_released_row_waits_for_its_delay(store: &dyn StorageAdapter) {
    let (_, lease) = started(store, "t", "p").await;
    let row = super::recovery::handed_root(lease);
    store.release(&row, 60_000).await.unwrap();
    assert!(store.claim("p").await.unwrap().is_none());
    let due = store.next_deadline().await.unwrap().unwrap();
    assert!((50_000..=60_000).contains(&due), "{due}");
    let error = store.release(&row, 0).await.unwrap_err();
    assert!(matches!(error, StoreError::Rejected(_)), "{error}");
}

pub async fn a_released_resume_waits_for_its_delay(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let asked = step(run.root_id, &root, (0, 0), vec![read(0)]).keeps("p");
    let call = handed(store.advance(&asked).await.unwrap());
    store.record(&call.lease, &Ok(doc("1")), 1).await.unwrap();
    // A run that has come further waits just as one that has not begun.
    let row = claim(store, "p").await.row;
    assert_eq!(row.lease.id, run.root_id);
    store.release(&row, 60_000).await.unwrap();
    assert!(store.claim("p").await.unwrap().is_none());
    let due = store.next_deadline().await.unwrap().unwrap();
    assert!((50_000..=60_000).contains(&due), "{due}");
}

pub async fn nobody_waits_for_a_crowd(store: &dyn StorageAdapter) {
    for _ in 0..100 {
        start(store, "crowd").await;
    }
    let mut quiet = vec![start(store, "quiet").await.root_id, start(store, "quiet").await.root_id];
    // Each claim takes one or the other at even odds: fifty times heads is no accident.
    for _ in 0..52 {
        let taken = claim(store, "p").await.row.lease.id;
        if quiet.first() == Some(&taken) {
            quiet.remove(0);
        }
    }
    assert!(quiet.is_empty(), "still waiting: {quiet:?}");
}
