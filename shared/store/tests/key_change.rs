//! The master key is changed while secrets are read and written.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tasker_store::{KeySettings, Rotate, SealError, StorageAdapter};

use crate::{
    secrets::sealed,
    support::keys::{At, each, key, ring, settings},
};

/// Reads secrets until it is told to stop; answers how many.
async fn reads(
    store: Arc<dyn StorageAdapter>,
    stop: Arc<AtomicBool>,
    secrets: usize,
    mut n: usize,
) -> usize {
    let mut read = 0;
    while !stop.load(Ordering::Relaxed) {
        let got = store.key_get("load", &format!("k{n}")).await.unwrap().unwrap();
        assert!(got == format!("v{n}") || got == format!("w{n}"), "k{n}: {got}");
        (read, n) = (read + 1, (n + 7) % secrets);
    }
    read
}

/// Changes secrets until it is told to stop.
async fn writes(store: Arc<dyn StorageAdapter>, stop: Arc<AtomicBool>, secrets: usize) {
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        store.key_set("load", &format!("k{n}"), &format!("w{n}")).await.unwrap();
        n = (n + 13) % secrets;
    }
}

/// Rotates until nothing is left under another key; answers how many secrets were rewrapped.
async fn rotate(store: &dyn StorageAdapter) -> usize {
    let mut rewrapped = 0;
    // A secret that is set while its row is looked at is left for the next look.
    loop {
        let done = store.key_rotate(Rotate::All).await.unwrap();
        assert!(done.broken.is_empty(), "{done:?}");
        rewrapped += done.rewrapped;
        if done.rewrapped == 0 {
            return rewrapped;
        }
    }
}

/// 1,000 secrets (fewer on SQLite, which waits for the disk at each), readers and a writer all the
/// time, two processes that share a key file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_key_is_changed_under_load() {
    for at in each().await {
        let secrets = if at.is_postgres() { 1_000 } else { 200 };
        let file = at.folder().join("master.key");
        tasker_store::development_key(&file).unwrap();
        let shared = KeySettings { file: Some(file.clone()), ..KeySettings::default() };
        let first = at.open(&shared).await;
        // SQLite is one process.
        let second = if at.is_postgres() { at.open(&shared).await } else { first.clone() };
        for n in 0..secrets {
            first.key_set("load", &format!("k{n}"), &format!("v{n}")).await.unwrap();
        }
        let stop = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..4)
            .map(|n| tokio::spawn(reads(second.clone(), stop.clone(), secrets, n * 50)))
            .collect();
        let writer = tokio::spawn(writes(second.clone(), stop.clone(), secrets));
        tokio::time::sleep(Duration::from_millis(50)).await;
        first.key_renew().await.unwrap();
        let rewrapped = rotate(&*first).await;
        stop.store(true, Ordering::Relaxed);
        writer.await.unwrap();
        let mut reads = 0;
        for reader in readers {
            reads += reader.await.unwrap();
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let now = text.lines().find(|line| !line.starts_with('#')).unwrap();
        let under = format!(
            "select count(*) from keystore where key_value like 'tasker:v1:{}:%'",
            ring(now)
        );
        assert_eq!(at.sql(&under).await, [secrets.to_string()]);
        println!("{at}: {rewrapped} of {secrets} rewrapped, {reads} reads meanwhile, 0 failed");
        assert!(rewrapped > secrets / 2 && reads > 20, "{rewrapped} {reads}");
        drop((first, second));
        // The old key is not needed any more.
        std::fs::write(&file, now).unwrap();
        let store = at.open(&shared).await;
        for n in 0..secrets {
            assert!(store.key_get("load", &format!("k{n}")).await.unwrap().is_some());
        }
    }
}

/// The control of the test above: a process that is not told of the new key cannot read.
#[tokio::test]
async fn a_process_without_the_new_key_fails() {
    let at = each().await.into_iter().find(At::is_postgres).unwrap();
    let (old, new) = (key(), key());
    let left_behind = at.open(&settings(&[&old])).await;
    left_behind.key_set("n", "a", "v").await.unwrap();
    let ahead = at.open(&settings(&[&new, &old])).await;
    assert_eq!(left_behind.key_get("n", "a").await.unwrap().unwrap(), "v");
    ahead.key_rotate(Rotate::All).await.unwrap();
    let why = sealed(left_behind.key_get("n", "a").await.unwrap_err());
    assert!(matches!(&why, SealError::UnknownKey { key, .. } if *key == ring(&new)), "{why}");
}
