//! Secrets at rest, on both databases: what the rows hold, what opens, and what must not.

use crate::support;

use support::{
    keys::{At, each, key, ring, settings},
    secret_run,
};
use tasker_store::{
    KeySettings, Rotate, SealError, StorageAdapter, StoreError, connect, connect_with,
};

const CANARY: &str = "canary-4f1c9a77-of-the-store";

pub fn sealed(error: StoreError) -> SealError {
    match error {
        StoreError::Sealed(why) => {
            let text = why.to_string();
            assert!(!text.contains(CANARY), "{text}");
            why
        }
        other => panic!("{other}"),
    }
}

async fn value(at: &At, name: &str) -> String {
    at.sql(&format!("select key_value from keystore where key_name = '{name}'")).await.remove(0)
}

#[tokio::test]
async fn rows_hold_no_secret_and_open_where_they_stand() {
    for at in each().await {
        let store = at.open(&settings(&[&key()])).await;
        store.key_set("n", "a", CANARY).await.unwrap();
        store.key_set("n", "b", "another").await.unwrap();
        store.key_set("n", "a", CANARY).await.unwrap();
        let (a, b) = (value(&at, "a").await, value(&at, "b").await);
        assert!(a.starts_with("tasker:v1:") && !a.contains(CANARY), "{a}");
        let versions = at.sql("select version from keystore order by key_name").await;
        assert_eq!(versions, ["2", "1"]);
        assert_eq!(store.key_get("n", "a").await.unwrap().unwrap(), CANARY);

        // Two rows change places; then one is renamed; then an older value is put back.
        let swap = format!(
            "update keystore set key_value = case key_name when 'a' then '{b}' else '{a}' end"
        );
        at.sql(&swap).await;
        for name in ["a", "b"] {
            let why = sealed(store.key_get("n", name).await.unwrap_err());
            assert!(matches!(why, SealError::Broken { .. }), "{why}");
            assert!(
                why.to_string().contains(&format!("n/{name}"))
                    && why.to_string().contains("set the secret anew")
            );
        }
        at.sql(&format!("update keystore set key_value = '{b}' where key_name = 'b'")).await;
        assert_eq!(store.key_get("n", "b").await.unwrap().unwrap(), "another");
        store.key_set("n", "a", "newer").await.unwrap();
        at.sql(&format!("update keystore set key_value = '{a}' where key_name = 'a'")).await;
        assert!(matches!(
            sealed(store.key_get("n", "a").await.unwrap_err()),
            SealError::Broken { .. }
        ));
        // Setting it anew is the fix that the error names.
        store.key_set("n", "a", "fixed").await.unwrap();
        assert_eq!(store.key_get("n", "a").await.unwrap().unwrap(), "fixed");

        let flipped: String = b
            .chars()
            .rev()
            .enumerate()
            .map(|(i, c)| if i == 3 { if c == 'A' { 'B' } else { 'A' } } else { c })
            .collect();
        let flipped: String = flipped.chars().rev().collect();
        at.sql(&format!("update keystore set key_value = '{flipped}' where key_name = 'b'")).await;
        assert!(matches!(
            sealed(store.key_get("n", "b").await.unwrap_err()),
            SealError::Broken { .. }
        ));
        assert!(store.key_has("n", "b").await.unwrap(), "whether it is there needs no key");
    }
}

#[tokio::test]
async fn a_wrong_or_missing_key_is_named_with_its_fix() {
    for at in each().await {
        let (right, wrong) = (key(), key());
        at.open(&settings(&[&right])).await.key_set("n", "a", CANARY).await.unwrap();
        let store = at.open(&settings(&[&wrong])).await;
        let why = sealed(store.key_get("n", "a").await.unwrap_err());
        assert!(matches!(&why, SealError::UnknownKey { key, .. } if *key == ring(&right)), "{why}");
        assert!(why.to_string().contains("add that key"), "{why}");
        let done = store.key_rotate(Rotate::All).await.unwrap();
        assert_eq!((done.broken.len(), done.rewrapped), (1, 0), "{done:?}");
        drop(store);
        let store = at.open(&settings(&[&wrong, &right])).await;
        assert_eq!(store.key_get("n", "a").await.unwrap().unwrap(), CANARY);
        drop(store);
        for bad in ["", "no key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
            let given = KeySettings { keys: Some(bad.to_owned().into()), ..KeySettings::default() };
            let Err(error) = at.try_open(&given).await else {
                // Empty is as good as not set.
                assert!(bad.is_empty());
                continue;
            };
            let why = sealed(error);
            assert!(
                matches!(why, SealError::BadKey(_))
                    && why.to_string().contains("TASKER_MASTER_KEY")
            );
        }
    }
}

#[tokio::test]
async fn postgres_without_a_key_takes_no_secret_and_reads_old_ones() {
    let at = each().await.into_iter().find(At::is_postgres).unwrap();
    let store = at.open(&KeySettings::default()).await;
    let why = sealed(store.key_set("n", "a", CANARY).await.unwrap_err());
    assert!(why == SealError::NoKey && why.to_string().contains("TASKER_MASTER_KEY"), "{why}");
    at.sql("insert into keystore (namespace, key_name, key_value) values ('n', 'old', 'by hand')")
        .await;
    assert_eq!(store.key_get("n", "old").await.unwrap().unwrap(), "by hand");
    assert_eq!(sealed(store.key_rotate(Rotate::Plain).await.unwrap_err()), SealError::NoKey);
    at.open(&settings(&[&key()])).await.key_set("n", "new", CANARY).await.unwrap();
    assert!(matches!(sealed(store.key_get("n", "new").await.unwrap_err()), SealError::NoKey));
}

#[tokio::test]
async fn secrets_in_clear_are_sealed() {
    for at in each().await {
        let store = at.open(&settings(&[&key()])).await;
        at.sql(&format!(
            "insert into keystore (namespace, key_name, key_value) values ('n', 'a', '{CANARY}'), ('n', 'b', '')"
        ))
        .await;
        assert!(
            at.bytes().is_none_or(|all| all.contains(CANARY)),
            "the control: it is in the file"
        );
        assert_eq!(store.key_get("n", "a").await.unwrap().unwrap(), CANARY);
        let done = store.key_rotate(Rotate::Plain).await.unwrap();
        assert_eq!((done.sealed, done.rewrapped, done.broken.len()), (2, 0, 0));
        assert!(value(&at, "a").await.starts_with("tasker:v1:"));
        assert_eq!(store.key_get("n", "a").await.unwrap().unwrap(), CANARY);
        assert_eq!(store.key_get("n", "b").await.unwrap().unwrap(), "");
        assert!(at.bytes().is_none_or(|all| !all.contains(CANARY)), "nothing of it is left");
        assert_eq!(store.key_rotate(Rotate::Plain).await.unwrap(), Default::default());
    }
}

/// What task code reads from the keystore, and what it sets.
#[tokio::test]
async fn journals_hold_no_secret_and_replay_it() {
    for at in each().await {
        let (old, new) = (key(), key());
        let store = at.open(&settings(&[&old])).await;
        let run = secret_run(store.as_ref(), CANARY).await;
        let rows = "select coalesce(cast(args as text), '') || coalesce(cast(result as text), '') from stack_runs \
                    where service_name = 'wrappedkeystore' order by seq";
        let at_rest = at.sql(rows).await;
        assert_eq!(at_rest.len(), 4, "{at_rest:?}");
        assert!(at_rest[0].contains("$sealed") && at_rest[1].contains("$sealed"), "{at_rest:?}");
        assert!(!at_rest.concat().contains(CANARY), "{at_rest:?}");
        assert!(at_rest[2].contains("names are no secret"), "the control: {at_rest:?}");
        assert!(at.bytes().is_none_or(|all| !all.contains(CANARY)));
        let shown = store.stack_runs(run.task_run_id, 0, 10).await.unwrap();
        assert!(!format!("{shown:?}").contains(CANARY));

        let replayed = async |store: &dyn StorageAdapter| {
            let image = store.image(run.root_id).await.unwrap();
            assert_eq!(image.journal.asked[0].args.get(), format!(r#"["n","k","{CANARY}"]"#));
            assert_eq!(image.journal.delivered[1].value.get(), format!("\"{CANARY}\""));
        };
        replayed(store.as_ref()).await;
        drop(store);
        let store = at.open(&settings(&[&new, &old])).await;
        assert_eq!(store.key_rotate(Rotate::Plain).await.unwrap().journal, 0);
        assert_eq!(store.key_rotate(Rotate::All).await.unwrap().journal, 2);
        drop(store);
        let store = at.open(&settings(&[&new])).await;
        replayed(store.as_ref()).await;
        drop(store);
        let store = at.open(&settings(&[&old])).await;
        assert!(matches!(
            sealed(store.image(run.root_id).await.unwrap_err()),
            SealError::UnknownKey { .. }
        ));
        assert!(store.check_invariants().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn sqlite_makes_a_key_of_its_own() {
    use std::os::unix::fs::PermissionsExt as _;
    let at = each().await.into_iter().find(|at| !at.is_postgres()).unwrap();
    let url = at.url();
    let file = format!("{}.key", url.strip_prefix("sqlite:").unwrap());
    let store = connect(&url).await.unwrap();
    store.key_set("n", "a", CANARY).await.unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    drop(store);
    let store = connect(&url).await.unwrap();
    assert_eq!(store.key_get("n", "a").await.unwrap().unwrap(), CANARY);
    store.key_renew().await.unwrap();
    assert_eq!(store.key_rotate(Rotate::All).await.unwrap().rewrapped, 1);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap().lines().filter(|l| !l.starts_with('#')).count(),
        2
    );
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    drop(store);
    std::fs::remove_file(&file).unwrap();
    let store = connect(&url).await.unwrap();
    assert!(matches!(
        sealed(store.key_get("n", "a").await.unwrap_err()),
        SealError::UnknownKey { .. }
    ));
    drop(store);
    // An explicit key is the only one then, and a file that is not there is said.
    let missing = KeySettings { file: Some("/nowhere/at/all".into()), ..KeySettings::default() };
    let Err(error) = connect_with(&url, &missing).await else { panic!() };
    assert!(sealed(error).to_string().contains("/nowhere/at/all"));
    let both = KeySettings { file: missing.file, ..settings(&[&key()]) };
    let Err(error) = connect_with(&url, &both).await else { panic!() };
    assert!(sealed(error).to_string().contains("set one of them"));
}

#[tokio::test]
async fn concurrent_sets_of_one_secret_all_count() {
    for at in each().await {
        let store = at.open(&settings(&[&key()])).await;
        let sets = (0..16).map(|n| {
            let store = store.clone();
            async move { store.key_set("n", "same", &n.to_string()).await }
        });
        assert!(futures::future::join_all(sets).await.iter().all(Result::is_ok));
        assert_eq!(at.sql("select version from keystore").await, ["16"]);
        assert!(store.key_get("n", "same").await.unwrap().is_some());
    }
}
