//! Supabase's Vault as the place of secrets, against a stand-in with the same table, view and
//! functions: the extension itself cannot be had for a plain Postgres.

use crate::support::keys;

use keys::{At, each, key, settings};
use tasker_store::{KeySettings, Rotate, SealError, StoreError};

const CANARY: &str = "canary-77b0e5-of-the-vault";

async fn with_vault() -> At {
    let at = each().await.into_iter().find(At::is_postgres).unwrap();
    at.sql(include_str!("data/vault.sql")).await;
    at
}

#[tokio::test]
async fn the_vault_keeps_the_values() {
    let at = with_vault().await;
    let store = at.open(&KeySettings::default()).await;
    store.key_set("n", "a", "first").await.unwrap();
    store.key_set("n", "a", CANARY).await.unwrap();
    store.key_set("global", "a", "shared").await.unwrap();
    assert_eq!(store.key_get("n", "a").await.unwrap().unwrap(), CANARY);
    assert_eq!(store.key_get("m", "a").await.unwrap().unwrap(), "shared");
    let rows = at.sql("select key_value from keystore order by namespace").await;
    assert!(rows.iter().all(|v| v.starts_with("tasker:vault:")), "{rows:?}");
    let names = at.sql("select name from vault.secrets order by name").await;
    assert_eq!(names, ["tasker/global/a", "tasker/n/a"]);
    assert!(store.key_delete("n", "a").await.unwrap());
    assert_eq!(at.sql("select name from vault.secrets").await, ["tasker/global/a"]);
    // A secret whose row went away is found again by its name.
    at.sql("delete from keystore").await;
    store.key_set("global", "a", "again").await.unwrap();
    assert_eq!(at.sql("select decrypted_secret from vault.decrypted_secrets").await, ["again"]);
}

#[tokio::test]
async fn many_may_set_a_new_secret_at_once() {
    let at = with_vault().await;
    let store = at.open(&KeySettings::default()).await;
    for name in ["a", "b", "c", "d"] {
        let values = ["1", "2", "3", "4", "5", "6"];
        let set = futures::future::join_all(values.map(|v| store.key_set("n", name, v))).await;
        assert!(set.iter().all(Result::is_ok), "{set:?}");
        let value = store.key_get("n", name).await.unwrap().unwrap();
        assert!(values.contains(&value.as_str()), "{value}");
    }
}

#[tokio::test]
async fn a_row_that_names_anothers_secret_finds_nothing() {
    let at = with_vault().await;
    let store = at.open(&KeySettings::default()).await;
    store.key_set("n", "a", CANARY).await.unwrap();
    store.key_set("n", "b", "other").await.unwrap();
    at.sql("update keystore set key_value = (select key_value from keystore where key_name = 'a')")
        .await;
    assert_eq!(store.key_get("n", "a").await.unwrap().unwrap(), CANARY);
    let error = store.key_get("n", "b").await.unwrap_err();
    assert!(matches!(&error, StoreError::Sealed(SealError::Broken { .. })), "{error}");
    assert!(error.to_string().contains("n/b in the Vault") && !error.to_string().contains(CANARY));
}

#[tokio::test]
async fn what_was_sealed_or_in_clear_moves_into_the_vault() {
    let at = each().await.into_iter().find(At::is_postgres).unwrap();
    let key = key();
    let store = at.open(&settings(&[&key])).await;
    store.key_set("n", "sealed", CANARY).await.unwrap();
    at.sql(
        "insert into keystore (namespace, key_name, key_value) values ('n', 'clear', 'by hand')",
    )
    .await;
    at.sql(include_str!("data/vault.sql")).await;
    assert_eq!(store.key_get("n", "sealed").await.unwrap().unwrap(), CANARY, "before it is moved");
    let done = store.key_rotate(Rotate::All).await.unwrap();
    assert_eq!((done.sealed, done.rewrapped, done.broken.len()), (1, 1, 0));
    assert_eq!(at.sql("select count(*) from vault.secrets").await, ["2"]);
    assert_eq!(store.key_get("n", "sealed").await.unwrap().unwrap(), CANARY);
    assert_eq!(store.key_get("n", "clear").await.unwrap().unwrap(), "by hand");

    // Whoever does not want it says so.
    let sealed = KeySettings { no_vault: true, ..settings(&[&key]) };
    let store = at.open(&sealed).await;
    store.key_set("n", "clear", "sealed").await.unwrap();
    let row = at.sql("select key_value from keystore where key_name = 'clear'").await;
    assert!(row[0].starts_with("tasker:v1:"), "{row:?}");
    assert_eq!(store.key_get("n", "sealed").await.unwrap().unwrap(), CANARY);
}
