//! A run that makes one call after another, warm.

pub mod keys;
pub mod proxy;

use tasker_core::{
    HostCall, json,
    wire::{Handed, LeaseRef},
};
use tasker_store::{Advance, Advanced, Ask, NewRun, StorageAdapter, Submitted};
use tasker_tables::{Action, Format, Item, Query, Read};

/// Where the run stands: the call that is leased, and its number.
#[derive(Clone, Debug)]
pub struct Chain {
    run: Submitted,
    call: Handed,
    seq: u32,
}

fn read(n: u32) -> Ask {
    let args = json::of(&[n]);
    Ask::Call(HostCall::new("wrappedgapi", "gmail.get", args))
}

fn step(run: Submitted, by: &LeaseRef, seen: u32, calls: u32) -> Advance {
    Advance {
        root_id: run.root_id,
        by: by.clone(),
        delivered: None,
        deliveries: seen,
        calls,
        made_at: None,
        asked: vec![read(calls)],
        cleared: vec![],
        end: None,
        keep: Some("p".into()),
        logs: vec![],
        executor: None,
    }
}

/// Starts a run up to its first call.
pub async fn chain(store: &dyn StorageAdapter) -> Chain {
    store.publish("t", "1", None).await.unwrap();
    let new = NewRun { name: "t".into(), input: json::null(), code: None, parent: None };
    let run = store.submit(&new).await.unwrap();
    let root = store.claim_row(run.root_id, "p").await.unwrap().unwrap().row.lease;
    let done = store.advance(&step(run, &root, 0, 0)).await.unwrap();
    Chain { run, call: done.next.unwrap(), seq: 0 }
}

/// The commit that completes the leased call and makes the next.
pub fn next_step(c: &Chain) -> Advance {
    let mut next = step(c.run, &c.call.lease, c.seq, c.seq + 1);
    next.delivered = Some((Ok(json::of(&c.seq)), 1));
    next
}

/// Where the run stands after that commit.
pub fn after(c: &Chain, done: Advanced) -> Chain {
    Chain { run: c.run, call: done.next.unwrap(), seq: c.seq + 1 }
}

/// Where the run stands when nobody knows whether the commit was done.
pub async fn look(store: &dyn StorageAdapter, c: &Chain) -> Chain {
    let rows = store.stack_runs(c.run.task_run_id, 0, 10_000).await.unwrap();
    let leased = rows.iter().find(|r| r.lease_owner.is_some()).unwrap();
    assert!(leased.seq == c.seq || leased.seq == c.seq + 1, "all or nothing");
    let mut call = c.call.clone();
    call.lease = LeaseRef { id: leased.id, epoch: leased.epoch, owner: "p".into() };
    Chain { run: c.run, call, seq: leased.seq }
}

/// Goes on by so many calls.
pub async fn steps(store: &dyn StorageAdapter, mut c: Chain, count: u32) -> Chain {
    for _ in 0..count {
        let done = store.advance(&next_step(&c)).await.unwrap();
        c = after(&c, done);
    }
    c
}

/// A run of its own with so many calls.
pub async fn warm_steps(store: &dyn StorageAdapter, count: u32) {
    let c = chain(store).await;
    steps(store, c, count).await;
}

/// A run whose code has set a secret, read it, and listed names; it waits for a fourth call.
pub async fn secret_run(store: &dyn StorageAdapter, secret: &str) -> Submitted {
    let keystore = |method: &str, args: Vec<&str>| {
        Ask::Call(HostCall::new("wrappedkeystore", method, json::of(&args)))
    };
    store.publish("t", "1", None).await.unwrap();
    let new = NewRun { name: "t".into(), input: json::null(), code: None, parent: None };
    let run = store.submit(&new).await.unwrap();
    let mut by = store.claim_row(run.root_id, "p").await.unwrap().unwrap().row.lease;
    let calls = [
        (keystore("setKey", vec!["n", "k", secret]), "true".to_owned()),
        (keystore("getKey", vec!["n", "k"]), format!("\"{secret}\"")),
        (keystore("listKeys", vec!["n"]), "[\"names are no secret\"]".to_owned()),
        (keystore("hasKey", vec!["n", "k"]), String::new()),
    ];
    let mut result: Option<String> = None;
    for (n, (call, answer)) in (0..).zip(calls) {
        let mut next = step(run, &by, u32::saturating_sub(n, 1), n);
        next.asked = vec![call];
        next.delivered = result.map(|text| (Ok(json::parse(text).unwrap()), 1));
        let handed = store.advance(&next).await.unwrap().next.unwrap();
        if n == 0 {
            assert!(handed.args.get().contains(secret), "the keystore is sent the value itself");
            // Also to a processor that takes it from the table.
            store.release(&handed, 0).await.unwrap();
            let taken = store.claim_row(handed.lease.id, "p").await.unwrap().unwrap().row;
            assert_eq!(taken.args.get(), handed.args.get());
            by = taken.lease;
        } else {
            by = handed.lease;
        }
        result = Some(answer);
    }
    run
}

/// Reads all of a table or view.
pub fn read_all(table: &str) -> Query {
    Query {
        schema: None,
        target: table.into(),
        action: Action::Read,
        read: Read { items: vec![Item::All], ..Read::default() },
        answers: true,
        count: None,
        single: false,
        max_affected: None,
        rollback: false,
        strip_nulls: false,
        format: Format::Json,
    }
}
