//! Chains whose isolate stays: one commit a step.

use tasker_core::{HostCall, call::KEYSTORE, run::Rejected};

use super::fixture::{More as _, claim, doc, handed, read, rows, send, started, status, step};
use tasker_store::{Ask, StorageAdapter, StoreError};

pub async fn a_chain_of_calls(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let id = run.root_id;
    let first = step(id, &root, (0, 0), vec![read(0)]).keeps("p").prints("one");
    let done = store.advance(&first).await.unwrap();
    assert!(!done.wake && !done.finished, "{done:?}");
    let made = done.made.clone();
    let mut call = handed(done);
    assert_eq!((made.len(), made[0]), (1, call.lease.id));
    assert_eq!(status(store, run.task_run_id).await, "processing");

    for n in 0..4_u32 {
        assert_eq!((call.lease.epoch, call.lease.owner.as_str(), call.attempt), (1, "p", 1));
        assert_eq!((call.root_id, call.task_run_id), (id, run.task_run_id));
        assert_eq!((call.method.as_str(), call.idempotent), ("gmail.users.messages.get", true));
        assert_eq!(call.args.get(), format!("[{n}]"));
        assert!(store.claim("other").await.unwrap().is_none(), "the call is leased");
        let next = step(id, &call.lease, (n, n + 1), vec![read(n + 1)]).got(&n.to_string());
        call = handed(store.advance(&next.keeps("p")).await.unwrap());
        // Once only: the same lease is worth nothing now.
        let again = store.advance(&next_of(id, &call.lease, n)).await.unwrap_err();
        assert!(matches!(again, StoreError::Rejected(_)), "{again}");
    }
    let last = step(id, &call.lease, (4, 5), vec![]).got("4").ends("\"done\"").prints("two");
    let done = store.advance(&last).await.unwrap();
    assert!(done.finished && done.next.is_none() && done.made.is_empty(), "{done:?}");
    assert!(matches!(store.advance(&last).await, Err(StoreError::Rejected(Rejected::Fenced))));

    let ended = store.run(run.task_run_id).await.unwrap().unwrap();
    assert_eq!((ended.status.as_str(), ended.calls), ("completed", 5));
    assert_eq!(ended.result.unwrap().get(), "\"done\"");
    assert_eq!(rows(store, run.task_run_id).await, ["completed"; 6]);
    let image = store.image(id).await.unwrap();
    let values: Vec<_> = image.journal.delivered.iter().map(|d| d.value.get()).collect();
    assert_eq!((values, image.journal.asked.len()), (vec!["0", "1", "2", "3", "4"], 5));
    assert_eq!(image.journal.delivered[2].at_ms, 1002);
    let logs = store.logs(run.task_run_id, 10).await.unwrap();
    assert_eq!(logs.iter().map(|l| l.message.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(store.next_deadline().await.unwrap(), None);
}

pub async fn an_answer_that_got_lost_is_found(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let id = run.root_id;
    assert!(store.handed_by(&root, id).await.unwrap().is_none(), "nothing was committed");
    let first = step(id, &root, (0, 0), vec![send(0)]).keeps("p");
    let call = handed(store.advance(&first).await.unwrap());
    // The answer to that commit never arrived: the same call is found, under the same lease.
    let found = store.handed_by(&root, id).await.unwrap().unwrap();
    assert_eq!((&found.lease, found.args.get()), (&call.lease, call.args.get()));
    assert!(!found.idempotent && found.attempt == 1);
    let other = tasker_core::wire::LeaseRef { owner: "q".into(), ..root.clone() };
    assert!(store.handed_by(&other, id).await.unwrap().is_none(), "it was handed to p");
    let older = tasker_core::wire::LeaseRef { epoch: root.epoch - 1, ..root.clone() };
    assert!(store.handed_by(&older, id).await.unwrap().is_none(), "not by that lease");

    let next = step(id, &call.lease, (0, 1), vec![read(1)]).got("0").keeps("p");
    let second = handed(store.advance(&next).await.unwrap());
    let found = store.handed_by(&call.lease, id).await.unwrap().unwrap();
    assert_eq!(found.lease, second.lease);
    // Whoever lost it is handed nothing.
    assert_eq!(store.release_expired(Some("p")).await.unwrap(), 1);
    assert!(store.handed_by(&call.lease, id).await.unwrap().is_none());
}

pub async fn a_lost_answer_with_a_secret_is_found_in_clear(store: &dyn StorageAdapter) {
    const ARGS: &str = r#"["n","k","hush"]"#;
    let set = || Ask::Call(HostCall::new(KEYSTORE, "setKey", doc(ARGS)));
    let (run, root) = started(store, "t", "p").await;
    let first = step(run.root_id, &root, (0, 0), vec![read(0)]).keeps("p");
    let call = handed(store.advance(&first).await.unwrap());
    // The next call of a warm step sets a secret, and nobody hears of that commit.
    let next = step(run.root_id, &call.lease, (0, 1), vec![set()]).got("0").keeps("p");
    let sent = handed(store.advance(&next).await.unwrap());
    assert_eq!(sent.args.get(), ARGS);
    let row = store.stack_run(sent.lease.id).await.unwrap().unwrap();
    assert!(row.args.unwrap().get().contains("$sealed"), "the control: it is sealed at rest");
    let found = store.handed_by(&call.lease, run.root_id).await.unwrap().unwrap();
    assert_eq!((&found.lease, found.args.get()), (&sent.lease, ARGS));
}

/// An advance that claims to have seen less than the journal holds.
fn next_of(
    id: tasker_core::StackRunId,
    by: &tasker_core::wire::LeaseRef,
    n: u32,
) -> tasker_store::Advance {
    step(id, by, (n, n + 1), vec![read(n + 1)]).got("\"again\"")
}

pub async fn a_failed_call_and_a_failed_run(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let first = step(run.root_id, &root, (0, 0), vec![send(0)]).keeps("p");
    let call = handed(store.advance(&first).await.unwrap());
    assert!(!call.idempotent);
    let mut last = step(run.root_id, &call.lease, (0, 1), vec![]);
    last.delivered = Some((Err(doc(r#"{"name":"ServiceError"}"#)), 5));
    last.end = Some(Err(doc(r#"{"name":"TypeError","message":"x"}"#)));
    assert!(store.advance(&last).await.unwrap().finished);
    let ended = store.run(run.task_run_id).await.unwrap().unwrap();
    assert_eq!((ended.status.as_str(), ended.result.is_none()), ("failed", true));
    assert_eq!(ended.error.unwrap().get(), r#"{"name":"TypeError","message":"x"}"#);
    assert_eq!(rows(store, run.task_run_id).await, ["failed", "failed"]);
    let journal = store.image(run.root_id).await.unwrap().journal;
    assert!(!journal.delivered[0].ok);
    assert_eq!(journal.delivered[0].value.get(), r#"{"name":"ServiceError"}"#);
}

pub async fn several_calls_run_one_by_one(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let id = run.root_id;
    let first = step(id, &root, (0, 0), vec![read(0), read(1), read(2)]).keeps("p");
    let done = store.advance(&first).await.unwrap();
    assert_eq!(done.made.len(), 3);
    let first = handed(done);
    assert_eq!(first.args.get(), "[0]");
    assert!(store.claim("other").await.unwrap().is_none(), "one call at a time");

    let after = step(id, &first.lease, (0, 3), vec![]).got("10").keeps("p");
    let second = handed(store.advance(&after).await.unwrap());
    assert_eq!((second.args.get(), second.attempt, second.lease.epoch), ("[1]", 1, 1));
    // Without a processor that keeps it, the third is there for anybody.
    let after = store.advance(&step(id, &second.lease, (1, 3), vec![]).got("11")).await.unwrap();
    assert!(after.wake && after.next.is_none());
    let third = claim(store, "q").await.row;
    assert_eq!((third.args.get(), third.root_id), ("[2]", id));
    let last = step(id, &third.lease, (2, 3), vec![]).got("12").ends("null");
    assert!(store.advance(&last).await.unwrap().finished);
    assert_eq!(store.run(run.task_run_id).await.unwrap().unwrap().result.unwrap().get(), "null");
}

pub async fn many_calls_in_one_commit(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let asked: Vec<Ask> = (0..75).map(read).collect();
    let done = store.advance(&step(run.root_id, &root, (0, 0), asked).keeps("p")).await.unwrap();
    let made = done.made.clone();
    assert_eq!(handed(done).lease.id, made[0]);
    let rows = store.stack_runs(run.task_run_id, 0, 100).await.unwrap();
    let calls = rows.iter().filter(|r| r.kind == tasker_core::Kind::Call);
    let by_seq: Vec<_> = calls.map(|r| (r.seq, r.id, r.args.as_ref().unwrap().get())).collect();
    for (n, row) in by_seq.iter().enumerate() {
        assert_eq!(*row, (n as u32, made[n], format!("[{n}]").as_str()));
    }
}

pub async fn leftovers_are_cancelled(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let id = run.root_id;
    let asked = vec![read(0), read(1), Ask::Timer(3_600_000)];
    let first = handed(store.advance(&step(id, &root, (0, 0), asked).keeps("p")).await.unwrap());
    // It ends while a call it has just made, one it made before, and a timer are open.
    let last = step(id, &first.lease, (0, 3), vec![read(3)]).got("1").ends("1");
    assert!(store.advance(&last).await.unwrap().finished);
    let expected = ["completed", "completed", "cancelled", "cancelled", "cancelled"];
    assert_eq!(rows(store, run.task_run_id).await, expected);
    assert!(store.claim("p").await.unwrap().is_none());
    assert_eq!(store.next_deadline().await.unwrap(), None);
}

pub async fn code_that_waits_for_nothing_is_refused(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let refused = store.advance(&step(run.root_id, &root, (0, 0), vec![])).await.unwrap_err();
    assert!(matches!(refused, StoreError::Rejected(Rejected::Deadlock)), "{refused}");
    // The lease is still good: the executor can end the run with that error.
    let mut end = step(run.root_id, &root, (0, 0), vec![]);
    end.end = Some(Err(doc(r#"{"name":"Deadlock"}"#)));
    assert!(store.advance(&end).await.unwrap().finished);
}
