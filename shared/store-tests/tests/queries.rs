//! What people look at.

use tasker_core::{LogLine, Status};

use super::fixture::{doc, end, new, read, start, started, step};
use tasker_store::{RunFilter, StorageAdapter};

pub async fn runs_by_status_and_name(store: &dyn StorageAdapter) {
    let first = start(store, "a").await;
    let second = start(store, "b").await;
    let (third, lease) = started(store, "a", "p").await;
    end(store, third, &lease, "1").await;
    let ids = async |f: RunFilter| -> Vec<_> {
        store.runs(&f).await.unwrap().into_iter().map(|r| r.id).collect()
    };
    let all = || RunFilter { limit: 10, ..Default::default() };
    let (a, b, c) = (first.task_run_id, second.task_run_id, third.task_run_id);
    assert_eq!(ids(all()).await, [c, b, a], "newest first");
    assert_eq!(ids(RunFilter { limit: 2, ..all() }).await, [c, b]);
    assert_eq!(ids(RunFilter { name: Some("a".into()), ..all() }).await, [c, a]);
    assert_eq!(ids(RunFilter { status: Some(Status::Pending), ..all() }).await, [b, a]);
    let both = RunFilter { status: Some(Status::Completed), name: Some("a".into()), ..all() };
    assert_eq!(ids(both).await, [c]);
    assert!(ids(RunFilter { status: Some(Status::Failed), ..all() }).await.is_empty());
}

pub async fn rows_and_logs_in_pages(store: &dyn StorageAdapter) {
    let (run, lease) = started(store, "t", "p").await;
    let mut first = step(run.root_id, &lease, (0, 0), (0..5).map(read).collect());
    first.logs = (0..30)
        .map(|n| LogLine { level: "warn".into(), message: format!("line {n}"), at_ms: n })
        .collect();
    store.advance(&first).await.unwrap();
    let rows = store.stack_runs(run.task_run_id, 0, 3).await.unwrap();
    assert_eq!((rows.len(), rows[0].id), (3, run.root_id));
    let root = &rows[0];
    assert_eq!(root.waiting_on_stack_run_id, Some(rows[1].id));
    assert_eq!((rows[1].parent_id, rows[1].seq), (Some(run.root_id), 0));
    let rest = store.stack_runs(run.task_run_id, rows[2].id.0, 100).await.unwrap();
    assert_eq!(rest.iter().map(|r| r.seq).collect::<Vec<_>>(), [2, 3, 4]);
    let row = store.run(run.task_run_id).await.unwrap().unwrap();
    assert_eq!((row.calls, row.waiting_on_stack_run_id), (5, Some(rows[1].id)));

    let logs = store.logs(run.task_run_id, 10).await.unwrap();
    assert_eq!((logs.len(), logs[0].at_ms, logs[9].at_ms), (10, 20, 29));
    assert_eq!((logs[9].level.as_str(), logs[9].message.as_str()), ("warn", "line 29"));
    assert_eq!(store.logs(run.task_run_id, 100).await.unwrap().len(), 30);
}

pub async fn clearing_forgets_runs_only(store: &dyn StorageAdapter) {
    let (run, lease) = started(store, "t", "p").await;
    store.key_set("n", "k", "v").await.unwrap();
    let first = step(run.root_id, &lease, (0, 0), vec![read(0)]);
    store.advance(&first).await.unwrap();
    start(store, "t").await;
    store.clear_runs().await.unwrap();
    assert!(store.run(run.task_run_id).await.unwrap().is_none());
    assert!(store.claim("p").await.unwrap().is_none());
    assert!(store.logs(run.task_run_id, 9).await.unwrap().is_empty());
    let late = store.record(&lease, &Ok(doc("1")), 1).await.unwrap_err();
    assert!(matches!(late, tasker_store::StoreError::NotFound(_)), "{late}");
    assert!(store.key_get("n", "k").await.unwrap().is_some());
    store.submit(&new("t")).await.unwrap();
}
