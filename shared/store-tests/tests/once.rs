//! Changes under a key.

use serde_json::{Value, json};
use tasker_core::json::of;

use super::{
    control::name_of,
    fixture::{More as _, doc, end, handed, rows, started, step},
    tables::{insert, on, read},
};
use tasker_store::{Ask, Resolution, StorageAdapter};
use tasker_tables::{Known, LONGEST_ANSWER, Once, Query, QueryError};

const TABLE: &str = "create table ledger (id {id}, name text not null, unique (name))";
/// An index does not hold long texts.
const LONG: &str = "create table ledger (id {id}, name text not null)";

fn key(key: &str, request: &str) -> Once {
    Once { caller: String::new(), key: key.into(), request: request.into() }
}

async fn write(
    store: &dyn StorageAdapter,
    query: &Query,
    once: &Once,
) -> Result<Vec<Value>, QueryError> {
    store.rest_once(query, None, Some(once)).await?.values()
}

async fn names(store: &dyn StorageAdapter) -> usize {
    store.rest(&read("ledger"), None).await.unwrap().values().unwrap().len()
}

fn add(name: &str) -> Query {
    on("ledger", insert(&[json!({ "name": name })]))
}

pub async fn a_change_is_made_once(store: &dyn StorageAdapter) {
    store.script(TABLE).await.unwrap();
    let once = key("k1", "insert a");
    let first = write(store, &add("a"), &once).await.unwrap();
    // Done again it would break a rule; the answer is the same, to the number of the row.
    assert_eq!(write(store, &add("a"), &once).await.unwrap(), first);
    assert_eq!((first[0]["name"].as_str(), names(store).await), (Some("a"), 1));
    let reused = write(store, &add("b"), &key("k1", "insert b")).await.unwrap_err();
    assert!(matches!(&reused, QueryError::KeyReused(k) if k == "k1"), "{reused}");
    // Somebody else's key of that name is another one.
    let other = Once { caller: "authenticated ann".into(), ..once.clone() };
    let refused = write(store, &add("a"), &other).await.unwrap_err();
    assert_eq!(refused.code(), Some("23505"));
    // What failed changed nothing: it is tried again.
    store.rest(&on("ledger", tasker_tables::Action::Delete), None).await.unwrap();
    write(store, &add("a"), &other).await.unwrap();
    // A change that is undone, and a read, are not kept.
    let dry = Query { rollback: true, ..add("c") };
    write(store, &dry, &key("k2", "c")).await.unwrap();
    write(store, &add("c"), &key("k2", "for good")).await.unwrap();
    assert_eq!(write(store, &read("ledger"), &key("k2", "read")).await.unwrap().len(), 2);
    assert_eq!(names(store).await, 2);
}

pub async fn two_at_once_are_one(store: &dyn StorageAdapter) {
    store.script(TABLE).await.unwrap();
    let (once, query) = (key("k", "insert a"), add("a"));
    let all = (0..8).map(|_| write(store, &query, &once));
    let all = futures::future::join_all(all).await;
    let first = all[0].as_ref().unwrap();
    assert!(all.iter().all(|other| other.as_ref().unwrap() == first), "{all:?}");
    assert_eq!(names(store).await, 1);
}

pub async fn a_long_answer_is_not_kept(store: &dyn StorageAdapter) {
    store.script(LONG).await.unwrap();
    let (once, query) = (key("k", "long"), add(&"x".repeat(LONGEST_ANSWER)));
    write(store, &query, &once).await.unwrap();
    let again = write(store, &query, &once).await.unwrap_err();
    assert!(matches!(again, QueryError::AnswerNotKept(n) if n > LONGEST_ANSWER as u64), "{again}");
    assert_eq!(names(store).await, 1);
    // One that asks for no rows is always answered.
    let (once, quiet) =
        (key("q", "long"), Query { answers: false, ..add(&"y".repeat(LONGEST_ANSWER)) });
    for _ in 0..2 {
        write(store, &quiet, &once).await.unwrap();
    }
    assert_eq!(names(store).await, 2);
}

pub async fn what_was_passed_on_is_doubted(store: &dyn StorageAdapter) {
    let once = key("k", "r");
    assert!(matches!(store.begin_sent(&once).await.unwrap(), Known::Nothing));
    let doubtful = store.begin_sent(&once).await.unwrap();
    assert!(
        matches!(doubtful, Known::Sent) && matches!(doubtful.answer(), Err(QueryError::Doubtful))
    );
    assert!(matches!(store.begin_sent(&key("k", "s")).await, Err(QueryError::KeyReused(_))));
    // Nothing came of it.
    store.end_sent(&once, None).await.unwrap();
    assert!(matches!(store.begin_sent(&once).await.unwrap(), Known::Nothing));
    store.end_sent(&once, Some(&doc(r#"{"a": 1}"#))).await.unwrap();
    let known = store.begin_sent(&once).await.unwrap().answer().unwrap().unwrap();
    assert_eq!(known.get(), r#"{"a": 1}"#);
    // What is known cannot be forgotten by somebody who is late.
    store.end_sent(&once, None).await.unwrap();
    assert!(matches!(store.begin_sent(&once).await.unwrap(), Known::Answer(_)));
}

fn change(key: Option<&str>) -> Ask {
    let mut call = tasker_core::HostCall::new("wrappedsupabase", "from.insert", of(&["ledger"]));
    call.options.idempotency_key = key.map(str::to_owned);
    Ask::Call(call)
}

pub async fn a_doubted_call_waits_for_a_person(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let asked = vec![change(None), change(Some("mine"))];
    let call =
        handed(store.advance(&step(run.root_id, &root, (0, 0), asked).keeps("p")).await.unwrap());
    assert!(call.idempotent);
    let once = key(&format!("sr-{}", call.lease.id), "r");
    store.begin_sent(&once).await.unwrap();
    store.doubt(&call.lease).await.unwrap();
    let expected = ["suspended_waiting_child", "needs_attention", "pending"];
    assert_eq!(rows(store, run.task_run_id).await, expected);
    assert!(store.doubt(&call.lease).await.is_err(), "once");
    assert!(store.record(&call.lease, &Ok(doc("1")), 1).await.is_err(), "too late");
    assert_eq!(store.release_expired(Some("p")).await.unwrap(), 0);
    assert!(store.claim("p").await.unwrap().is_none());
    // Sent again by a person: the service is not to doubt it once more.
    store.resolve(call.lease.id, &Resolution::Again).await.unwrap();
    let again = store.claim("p").await.unwrap().unwrap().row;
    assert_eq!(again.lease.id, call.lease.id);
    assert!(matches!(store.begin_sent(&once).await.unwrap(), Known::Nothing));
    store.doubt(&again.lease).await.unwrap();
    let gone = Err(doc(r#"{"name":"Gone"}"#));
    store.resolve(call.lease.id, &Resolution::Outcome(gone)).await.unwrap();
    let delivered = store.image(run.root_id).await.unwrap().journal.delivered.remove(0);
    assert_eq!(name_of(Some(&Err(delivered.value))), "Gone");
}

pub async fn answers_go_with_their_run(store: &dyn StorageAdapter) {
    let (run, root) = started(store, "t", "p").await;
    let asked = vec![change(None)];
    let call =
        handed(store.advance(&step(run.root_id, &root, (0, 0), asked).keeps("p")).await.unwrap());
    let (own, chosen) = (key(&format!("sr-{}", call.lease.id), "r"), key("chosen", "r"));
    for once in [&own, &chosen] {
        store.begin_sent(once).await.unwrap();
        store.end_sent(once, Some(&doc("1"))).await.unwrap();
    }
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert_eq!(store.prune(3_600_000, 10).await.unwrap(), 0);
    assert!(matches!(store.begin_sent(&chosen).await.unwrap(), Known::Answer(_)), "it is not old");
    assert_eq!(store.prune(1, 10).await.unwrap(), 0);
    assert!(matches!(store.begin_sent(&chosen).await.unwrap(), Known::Nothing));
    assert!(matches!(store.begin_sent(&own).await.unwrap(), Known::Answer(_)), "its run is open");
    let last = step(run.root_id, &call.lease, (0, 1), vec![]).got("1").ends("1");
    store.advance(&last).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert_eq!(store.prune(1, 10).await.unwrap(), 1);
    assert!(matches!(store.begin_sent(&own).await.unwrap(), Known::Nothing));
    let (run, root) = started(store, "t", "p").await;
    end(store, run, &root, "1").await;
}
