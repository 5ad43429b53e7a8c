//! What is left behind when a processor dies.

use tasker_core::{
    TaskRunId,
    call::CallOptions,
    json,
    wire::{Handed, LeaseRef},
};

use super::fixture::{More as _, claim, doc, handed, read, rows, send, started, step};
use tasker_store::StorageAdapter;

/// A root's lease in the shape in which it is given back.
pub fn handed_root(lease: LeaseRef) -> Handed {
    Handed {
        root_id: lease.id,
        lease,
        task_run_id: TaskRunId(0),
        seq: 0,
        service: String::new(),
        method: String::new(),
        args: json::null(),
        options: CallOptions::default(),
        idempotent: true,
        attempt: 1,
        crashes: 0,
        executor: None,
    }
}

pub async fn a_dead_slots_leases_are_freed(store: &dyn StorageAdapter) {
    let (first, _) = started(store, "t", "p").await;
    let (second, other) = started(store, "t", "q").await;
    assert_eq!(store.release_expired(None).await.unwrap(), 0);
    assert_eq!(store.release_expired(Some("nobody")).await.unwrap(), 0);
    assert_eq!(store.release_expired(Some("p")).await.unwrap(), 1);
    assert_eq!(rows(store, first.task_run_id).await, ["pending"]);
    assert_eq!(rows(store, second.task_run_id).await, ["processing"]);
    assert!(store.holds(&other).await.unwrap());
    let row = &store.stack_runs(first.task_run_id, 0, 9).await.unwrap()[0];
    assert_eq!((row.crashes, row.epoch, row.attempt), (1, 2, 1));
    // A root that got results before goes on from there.
    let again = claim(store, "p").await.row;
    let next = step(first.root_id, &again.lease, (0, 0), vec![read(0)]).keeps("p");
    let call = handed(store.advance(&next).await.unwrap());
    store.record(&call.lease, &Ok(doc("1")), 1).await.unwrap();
    claim(store, "p").await;
    assert_eq!(store.release_expired(Some("p")).await.unwrap(), 1);
    assert_eq!(rows(store, first.task_run_id).await, ["pending_resume", "completed"]);
}

pub async fn a_lease_runs_out_only_when_it_is_not_kept(store: &dyn StorageAdapter) {
    let (_, lease) = started(store, "t", "p").await;
    let due = store.next_deadline().await.unwrap().unwrap();
    let lease_ms = tasker_store::LEASE_MS as u64;
    assert!((lease_ms - 2_000..=lease_ms).contains(&due), "{due}");
    let held = store.heartbeat("p").await.unwrap();
    assert_eq!((held.len(), &held[0].lease, held[0].root_id), (1, &lease, lease.id));
    assert_eq!(store.release_expired(None).await.unwrap(), 0);
    // The holder was not heard of for longer than a beat counts.
    let silent = "update processors set alive_until = null where slot = 'p'";
    store.script(silent).await.unwrap();
    assert_eq!(store.next_deadline().await.unwrap(), Some(0));
    assert_eq!(store.release_expired(None).await.unwrap(), 1);
    assert!(!store.holds(&lease).await.unwrap());
    assert!(store.heartbeat("p").await.unwrap().is_empty(), "a beat brings no lease back");
}

pub async fn an_unknown_outcome_waits_for_a_person(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let id = run.root_id;
    let asked = vec![send(0), send(1)];
    let call = handed(store.advance(&step(id, &root, (0, 0), asked).keeps("p")).await.unwrap());
    assert_eq!(store.release_expired(Some("p")).await.unwrap(), 1);
    let expected = ["suspended_waiting_child", "needs_attention", "pending"];
    assert_eq!(rows(store, run.task_run_id).await, expected);
    assert!(store.claim("p").await.unwrap().is_none(), "never sent again by itself");
    assert!(store.claim_row(call.lease.id, "p").await.unwrap().is_none());
    assert_eq!(store.next_deadline().await.unwrap(), None);

    // "It was not sent": it is sent again.
    let person = store.claim_attention(call.lease.id, "ann").await.unwrap().unwrap().row;
    assert!(store.claim_attention(call.lease.id, "bob").await.unwrap().is_none());
    store.release(&person, 0).await.unwrap();
    let second = claim(store, "p").await.row;
    assert_eq!((second.lease.id, second.attempt), (call.lease.id, 3));
    store.release_expired(Some("p")).await.unwrap();
    // "It was sent, and this came of it": the run goes on with that.
    let person = store.claim_attention(call.lease.id, "ann").await.unwrap().unwrap().row;
    store.record(&person.lease, &Ok(doc("\"sent\"")), 1).await.unwrap();
    assert_eq!(rows(store, run.task_run_id).await, ["pending_resume", "completed", "pending"]);
    let root = claim(store, "p").await.row;
    let next =
        handed(store.advance(&step(id, &root.lease, (1, 2), vec![]).keeps("p")).await.unwrap());
    assert_eq!(next.args.get(), "[1]");
    // A holder that knows it never sent the call gives it back unharmed.
    store.release(&next, 0).await.unwrap();
    let again = claim(store, "p").await.row;
    assert_eq!(again.lease.id, next.lease.id);
}

pub async fn an_idle_store_has_no_deadline(store: &dyn StorageAdapter) {
    assert_eq!(store.next_deadline().await.unwrap(), None);
    let (run, lease) = started(store, "t", "p").await;
    assert!(store.next_deadline().await.unwrap().is_some());
    super::fixture::end(store, run, &lease, "1").await;
    assert_eq!(store.next_deadline().await.unwrap(), None);
    assert_eq!(store.release_expired(Some("p")).await.unwrap(), 0);
}
