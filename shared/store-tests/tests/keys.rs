//! Secrets.

use tasker_store::{KeyInfo, StorageAdapter};

fn key(namespace: &str, name: &str) -> KeyInfo {
    KeyInfo { namespace: namespace.into(), name: name.into() }
}

pub async fn secrets_are_set_and_removed(store: &dyn StorageAdapter) {
    assert_eq!(store.key_get("n", "k").await.unwrap(), None);
    store.key_set("n", "k", "one").await.unwrap();
    store.key_set("n", "k", "two\n'").await.unwrap();
    store.key_set("m", "k", "other").await.unwrap();
    assert_eq!(store.key_get("n", "k").await.unwrap().as_deref(), Some("two\n'"));
    assert_eq!(store.key_list(None).await.unwrap(), [key("m", "k"), key("n", "k")]);
    assert_eq!(store.key_list(Some("n")).await.unwrap(), [key("n", "k")]);
    assert!(store.key_delete("n", "k").await.unwrap());
    assert!(!store.key_delete("n", "k").await.unwrap());
    assert_eq!(store.key_get("n", "k").await.unwrap(), None);
    assert_eq!(store.key_get("m", "k").await.unwrap().as_deref(), Some("other"));
}

pub async fn a_secret_falls_back_to_global(store: &dyn StorageAdapter) {
    store.key_set("global", "k", "shared").await.unwrap();
    assert_eq!(store.key_get("n", "k").await.unwrap().as_deref(), Some("shared"));
    assert_eq!(store.key_get("global", "k").await.unwrap().as_deref(), Some("shared"));
    store.key_set("n", "k", "own").await.unwrap();
    assert_eq!(store.key_get("n", "k").await.unwrap().as_deref(), Some("own"));
    assert!(!store.key_delete("m", "k").await.unwrap(), "nothing is removed through another");
    assert_eq!(store.key_get("m", "k").await.unwrap().as_deref(), Some("shared"));
}
