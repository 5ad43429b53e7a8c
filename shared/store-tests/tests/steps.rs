//! Steps of warm runs: written in advance, many at once.

use tasker_core::{
    HostCall, StackRunId, TaskRunId, json,
    run::step::{Ask, Made, Step},
    wire::Handed,
};

use super::fixture::{More as _, doc, handed, read, rows, started, status, step};
use tasker_store::{StorageAdapter, StoreError};

fn call(n: u32) -> HostCall {
    HostCall::new("wrappedgapi", "gmail.users.messages.get", json::of(&[n]))
}

/// The step that ends call `ended`, number `n`, of a run, and makes one more call.
async fn next(store: &dyn StorageAdapter, ended: &Handed, n: u32, root_epoch: i64) -> Step {
    let id = store.reserve(1).await.unwrap()[0];
    Step {
        root_id: ended.root_id,
        task_run_id: ended.task_run_id,
        root_epoch,
        deliveries: n,
        calls: n + 1,
        by: ended.lease.clone(),
        call: call(n),
        seq: n,
        outcome: Ok(doc(&format!("{{\"n\": {n}}}"))),
        at_ms: 100 + i64::from(n),
        made: vec![Made { id, ask: Ask::Call(call(n + 1)), leased: true, ended: None }],
        logs: Vec::new(),
    }
}

/// What the holder of the call that a step made goes on with.
fn went_on(step: &Step) -> Handed {
    let mut row = super::recovery::handed_root(step.by.clone());
    row.lease.id = step.made[0].id;
    row.lease.epoch = 1;
    (row.root_id, row.task_run_id) = (step.root_id, step.task_run_id);
    row
}

/// A run whose first call is leased to `p`, and the epoch of its root.
async fn at_first_call(store: &dyn StorageAdapter) -> (Handed, i64) {
    let (run, root) = started(store, "t", "p").await;
    let first = step(run.root_id, &root, (0, 0), vec![read(0)]).keeps("p");
    (handed(store.advance(&first).await.unwrap()), root.epoch)
}

async fn one(store: &dyn StorageAdapter, step: &Step) -> bool {
    store.step(std::slice::from_ref(step)).await.pop().unwrap().unwrap()
}

async fn journal(store: &dyn StorageAdapter, root: StackRunId) -> Vec<String> {
    let journal = store.image(root).await.unwrap().journal;
    journal.delivered.iter().map(|d| format!("{} {}", d.value.get(), d.at_ms)).collect()
}

pub async fn a_step_is_what_an_advance_would_be(store: &dyn StorageAdapter) {
    let (first, epoch) = at_first_call(store).await;
    let mut step = next(store, &first, 0, epoch).await;
    step.logs.push(tasker_core::LogLine {
        level: "info".into(),
        message: "a \"b\" \\ \0 ü".into(),
        at_ms: 3,
    });
    assert!(one(store, &step).await);
    assert!(!one(store, &step).await, "once only");
    let run = first.task_run_id;
    assert_eq!(rows(store, run).await, ["suspended_waiting_child", "completed", "processing"]);
    let second = next(store, &went_on(&step), 1, epoch).await;
    assert!(one(store, &second).await);
    // The long way goes on from there.
    let last = super::fixture::step(first.root_id, &went_on(&second).lease, (2, 3), vec![]);
    assert!(store.advance(&last.got("7").ends("8")).await.unwrap().finished);
    assert_eq!(status(store, run).await, "completed");
    assert_eq!(store.run(run).await.unwrap().unwrap().calls, 3);
    assert_eq!(
        journal(store, first.root_id).await,
        ["{\"n\": 0} 100", "{\"n\": 1} 101", "7 1002"],
        "byte for byte"
    );
    assert_eq!(store.logs(run, 9).await.unwrap()[0].message, "a \"b\" \\ \u{fffd} ü");
}

pub async fn steps_that_follow_are_one_write(store: &dyn StorageAdapter) {
    let (first, epoch) = at_first_call(store).await;
    let mut all = next(store, &first, 0, epoch).await;
    let mut last = went_on(&all);
    for n in 1..5 {
        let mut more = next(store, &last, n, epoch).await;
        if n == 3 {
            more.outcome = Err(doc(r#"{"name":"ServiceError"}"#));
        }
        last = went_on(&more);
        all.join(more).unwrap();
    }
    assert!(one(store, &all).await);
    let expected = [
        "suspended_waiting_child",
        "completed",
        "completed",
        "completed",
        "failed",
        "completed",
        "processing",
    ];
    assert_eq!(rows(store, first.task_run_id).await, expected);
    assert!(store.holds(&last.lease).await.unwrap());
    let waits = store.stack_run(first.root_id).await.unwrap().unwrap().waiting_on_stack_run_id;
    assert_eq!(waits, Some(last.lease.id));
    assert_eq!(journal(store, first.root_id).await.len(), 5);
}

pub async fn many_runs_step_at_once_and_a_bad_one_alone(store: &dyn StorageAdapter) {
    let mut group = Vec::new();
    for _ in 0..6 {
        let (first, epoch) = at_first_call(store).await;
        group.push(next(store, &first, 0, epoch).await);
    }
    // One lost its lease, one its isolate's right, one run is paused, one holds what no database takes.
    assert!(store.abandon(&group[1].by, 60_000, 1).await.unwrap());
    group[2].root_epoch -= 1;
    store.pause(group[3].task_run_id, true).await.unwrap();
    group[4].made[0].id = group[0].by.id;
    let answers: Vec<_> = store.step(&group).await.into_iter().map(|a| a.ok()).collect();
    let expected = [Some(true), Some(false), Some(false), Some(false), None, Some(true)];
    assert_eq!(answers, expected);
    let refused = store.step(&group[4..5]).await.pop().unwrap().unwrap_err();
    assert!(matches!(refused, StoreError::Invalid { .. }), "{refused}");
    let all = |run: TaskRunId| async move { rows(store, run).await };
    assert_eq!(all(group[0].task_run_id).await.len(), 3);
    for lost in &group[1..5] {
        assert_eq!(all(lost.task_run_id).await.len(), 2, "nothing of a lost step is there");
    }
}

pub async fn a_step_after_a_stop_does_not_count(store: &dyn StorageAdapter) {
    let (first, epoch) = at_first_call(store).await;
    let step = next(store, &first, 0, epoch).await;
    store.cancel(first.task_run_id).await.unwrap();
    assert!(!one(store, &step).await);
    // A run that another version of the code is to go on with has no warm isolate.
    let (first, epoch) = at_first_call(store).await;
    let step = next(store, &first, 0, epoch).await;
    let how = tasker_store::Upgrade { from: 1, to: 1, deliveries: 0, calls: 1 };
    store.upgrade(first.task_run_id, how).await.unwrap();
    assert!(!one(store, &step).await);
    assert_eq!(status(store, first.task_run_id).await, "processing");
}
