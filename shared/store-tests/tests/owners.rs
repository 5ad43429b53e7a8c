//! Whose runs they are.

use super::fixture::{More as _, claim, end, handed, new, read, step};
use tasker_store::{NewRun, Owner, RunFilter, StorageAdapter, StoreError, SubmitOptions};

fn of(id: &str) -> SubmitOptions {
    let owner = Some(Owner { id: id.into(), tenant: id.into() });
    SubmitOptions { owner, ..SubmitOptions::default() }
}

async fn owner(store: &dyn StorageAdapter, run: tasker_store::Submitted) -> Option<String> {
    store.run(run.task_run_id).await.unwrap().unwrap().owner
}

pub async fn a_run_and_those_below_it_have_one_owner(store: &dyn StorageAdapter) {
    store.publish("t", "1", None).await.unwrap();
    let users = store.submit_with(&new("t"), &of("ada")).await.unwrap();
    assert_eq!(owner(store, users).await.as_deref(), Some("ada"));
    let root = store.claim_row(users.root_id, "p").await.unwrap().unwrap().row.lease;
    let first = step(users.root_id, &root, (0, 0), vec![read(0)]).keeps("p");
    let call = handed(store.advance(&first).await.unwrap());
    // The services submit the run below; what it says of an owner does not count.
    let below = NewRun { parent: Some(call.lease), ..new("t") };
    let below = store.submit_with(&below, &of("eve")).await.unwrap();
    assert_eq!(owner(store, below).await.as_deref(), Some("ada"));

    let anonymous = store.submit_with(&new("t"), &of("")).await.unwrap();
    let nobodys = store.submit(&new("t")).await.unwrap();
    assert_eq!(owner(store, anonymous).await.as_deref(), Some(""));
    assert_eq!(owner(store, nobodys).await, None);
    let listed = async |owner: Option<&str>| {
        let owner = owner.map(str::to_owned);
        let filter = RunFilter { owner, limit: 9, ..RunFilter::default() };
        let runs = store.runs(&filter).await.unwrap();
        runs.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(Some("ada")).await, [below.task_run_id, users.task_run_id]);
    assert_eq!(listed(Some("")).await, [anonymous.task_run_id]);
    assert!(listed(Some("eve")).await.is_empty());
    assert_eq!(listed(None).await.len(), 4);
}

pub async fn two_owners_may_choose_one_key(store: &dyn StorageAdapter) {
    store.publish("t", "1", None).await.unwrap();
    let keyed =
        |options: SubmitOptions| SubmitOptions { idempotency_key: Some("k".into()), ..options };
    let all = [keyed(of("ada")), keyed(of("eve")), keyed(of("")), keyed(SubmitOptions::default())];
    let mut runs = Vec::new();
    for options in &all {
        let run = store.submit_with(&new("t"), options).await.unwrap();
        assert!(!runs.contains(&run), "{options:?}");
        runs.push(run);
    }
    for (options, run) in all.iter().zip(runs) {
        assert_eq!(store.submit_with(&new("t"), options).await.unwrap(), run);
    }
}

pub async fn a_tenants_open_runs_are_capped(store: &dyn StorageAdapter) {
    store.publish("t", "1", None).await.unwrap();
    let capped = |id: &str, tenant: &str| SubmitOptions {
        owner: Some(Owner { id: id.into(), tenant: tenant.into() }),
        most_open_of_tenant: Some(2),
        ..SubmitOptions::default()
    };
    let first = store.submit_with(&new("t"), &capped("ada", "acme")).await.unwrap();
    store.submit_with(&new("t"), &capped("bob", "acme")).await.unwrap();
    let full = store.submit_with(&new("t"), &capped("ada", "acme")).await.unwrap_err();
    assert!(matches!(full, StoreError::FullForTenant(2)), "{full}");
    // Others are not concerned, and a run that ends makes room.
    store.submit_with(&new("t"), &capped("ada", "other")).await.unwrap();
    store.submit_with(&new("t"), &SubmitOptions { owner: None, ..capped("", "") }).await.unwrap();
    let lease = loop {
        let row = claim(store, "p").await.row;
        if row.root_id == first.root_id {
            break row.lease;
        }
    };
    end(store, first, &lease, "1").await;
    store.submit_with(&new("t"), &capped("ada", "acme")).await.unwrap();
}
