//! Published tasks and their versions.

use super::fixture::{More as _, claim, handed, new, read, started, step};
use tasker_store::{NewRun, StorageAdapter};

pub async fn versions_grow_with_the_code(store: &dyn StorageAdapter) {
    let first = store.publish("t", "one", Some("about")).await.unwrap();
    assert_eq!((first.version, first.code.as_str()), (1, "one"));
    assert_eq!(first.description.as_deref(), Some("about"));
    let same = store.publish("t", "one", None).await.unwrap();
    assert_eq!((same.version, same.id, same.description), (1, first.id, None));
    assert_eq!(store.publish("t", "two", None).await.unwrap().version, 2);
    assert_eq!(store.publish("t", "one", None).await.unwrap().version, 3);
    assert_eq!(store.publish("s", "one", None).await.unwrap().version, 1);
    assert!(store.function("nobody").await.unwrap().is_none());
    let all = store.functions().await.unwrap();
    let names: Vec<_> = all.iter().map(|f| (f.name.as_str(), f.code.as_str())).collect();
    assert_eq!(names, [("s", ""), ("t", "")]);
    assert!(all[1].updated_at >= all[1].created_at);
}

pub async fn a_run_keeps_its_version(store: &dyn StorageAdapter) {
    store.publish("t", "one", None).await.unwrap();
    let old = store.submit(&new("t")).await.unwrap();
    store.publish("t", "two", None).await.unwrap();
    let new = store.submit(&new("t")).await.unwrap();
    assert_eq!(store.image(old.root_id).await.unwrap().code.as_deref(), Some("one"));
    assert_eq!(store.image(new.root_id).await.unwrap().code.as_deref(), Some("two"));
    assert_eq!(store.run(new.task_run_id).await.unwrap().unwrap().version, Some(2));
}

pub async fn a_plain_upsert_makes_a_version(store: &dyn StorageAdapter) {
    // As Supabase's REST API writes it, with the service key.
    let upsert = async |code: &str| {
        let text = format!(
            "insert into task_functions (name, code) values ('t', '{code}') \
             on conflict (name) do update set code = excluded.code"
        );
        store.script(&text).await.unwrap();
    };
    upsert("one").await;
    let run = store.submit(&new("t")).await.unwrap();
    upsert("two").await;
    let now = store.function("t").await.unwrap().unwrap();
    assert_eq!((now.version, now.code.as_str()), (2, "two"));
    assert_eq!(store.image(run.root_id).await.unwrap().code.as_deref(), Some("one"));
    let next = store.submit(&new("t")).await.unwrap();
    assert_eq!(store.image(next.root_id).await.unwrap().code.as_deref(), Some("two"));
}

pub async fn code_that_is_not_published(store: &dyn StorageAdapter) {
    let code = "module.exports = () => \"\\u0000 '$1' {now}\"\n";
    let run = NewRun { code: Some(code.into()), ..new("nowhere") };
    let made = store.submit(&run).await.unwrap();
    let image = store.image(made.root_id).await.unwrap();
    assert_eq!((image.code.as_deref(), image.name.as_str()), (Some(code), "nowhere"));
    let row = store.run(made.task_run_id).await.unwrap().unwrap();
    assert_eq!((row.task_function_id, row.version), (None, None));
    let root = claim(store, "p").await.row;
    let first = step(made.root_id, &root.lease, (0, 0), vec![read(0)]).keeps("p");
    let call = handed(store.advance(&first).await.unwrap());
    let last = step(made.root_id, &call.lease, (0, 1), vec![]).got("1").ends("1");
    store.advance(&last).await.unwrap();
    // A published task of the same name is another thing.
    let (other, _) = started(store, "nowhere", "p").await;
    assert_eq!(
        store.image(other.root_id).await.unwrap().code.as_deref(),
        Some(super::fixture::CODE)
    );
    assert_eq!(store.image(made.root_id).await.unwrap().code.as_deref(), Some(code));
}
