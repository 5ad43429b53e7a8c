//! A processor's name is held by one process, which hears of new runs.

use std::time::Duration;

use tasker_store::{NewRun, SubmitOptions, connect};
use tasker_testkit::pg::Server;

use crate::postgres::{client, fresh};

#[tokio::test]
async fn a_slot_is_one_process() {
    let server = Server::obtain().unwrap();
    let (database, store) = fresh(&server).await;
    let other = connect(database.url()).await.unwrap();
    let held = store.hold_slot("p").await.unwrap();
    assert!(held.is_some());
    assert!(other.hold_slot("q").await.unwrap().is_some());
    let refused = other.hold_slot("p").await.unwrap_err();
    assert!(refused.to_string().contains("works as 'p'"), "{refused}");
    drop(held);
    assert!(other.hold_slot("p").await.unwrap().is_some(), "free as soon as its holder is gone");
}

#[tokio::test]
async fn whoever_holds_a_slot_hears_of_new_runs() {
    let server = Server::obtain().unwrap();
    let (database, store) = fresh(&server).await;
    let other = connect(database.url()).await.unwrap();
    let held = store.hold_slot("p").await.unwrap().unwrap();
    let created = held.created();
    let heard = async |most: Duration| tokio::time::timeout(most, created.notified()).await.is_ok();
    other.publish("t", "module.exports = () => 1", None).await.unwrap();
    assert!(!heard(Duration::from_millis(200)).await, "no run was made");
    let input = tasker_core::json::null();
    let run = NewRun { name: "t".into(), input, code: None, parent: None };
    other.submit(&run).await.unwrap();
    assert!(heard(Duration::from_secs(10)).await, "a run was made");
    let own = NewRun { code: Some("1".into()), ..run };
    other.submit(&own).await.unwrap();
    assert!(heard(Duration::from_secs(10)).await, "a run with its own code was made");
    let untold = SubmitOptions { untold: true, ..SubmitOptions::default() };
    other.submit_with(&own, &untold).await.unwrap();
    assert!(!heard(Duration::from_millis(200)).await, "its maker works on it");
    // Whoever could not listen is told once it can again.
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %'";
    client(database.url()).await.batch_execute(cut).await.unwrap();
    assert!(heard(Duration::from_secs(20)).await, "the connection is back");
}
