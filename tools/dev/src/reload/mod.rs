//! Publishes task code as it is saved, by the route that `tasker publish` takes.
//!
//! Editors save in many ways: they write in place, write beside and rename, delete and write anew,
//! and touch several files at once. So an event says only where to look: when the folder has been
//! quiet for a moment, the files that were touched are read, and those with other text than before
//! are published.

mod files;
mod publisher;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use notify::{
    Event, EventKind, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use tasker_http::Peers;
use tokio::sync::mpsc;

use publisher::Publisher;

/// A save is over when nothing has happened for so long,
const QUIET: Duration = Duration::from_millis(15);
/// or this long after it began.
const LONGEST: Duration = Duration::from_millis(250);

/// The folder to watch.
///
/// # Errors
/// If there is none.
pub fn folder(dir: &Path) -> anyhow::Result<PathBuf> {
    ensure!(dir.is_dir(), "--watch-dir {}: there is no such folder", dir.display());
    // Events name files in this way.
    dir.canonicalize().with_context(|| format!("cannot read {}", dir.display()))
}

/// Publishes what is in `dir`, and from now on what is saved there; `live`: for open runs too.
pub fn start(dir: PathBuf, peers: Peers, live: bool) -> anyhow::Result<()> {
    let (tell, told) = mpsc::unbounded_channel();
    let mut watcher = notify::recommended_watcher(move |event| {
        let _ = tell.send((Instant::now(), event));
    })?;
    watcher
        .watch(&dir, RecursiveMode::Recursive)
        .with_context(|| format!("cannot watch {}", dir.display()))?;
    tokio::spawn(async move {
        // Dropped, it would watch no longer.
        let _watcher = watcher;
        let mut publisher = Publisher::new(dir.clone(), peers, live);
        publisher.all().await;
        follow(told, dir, publisher).await;
    });
    Ok(())
}

type Told = (Instant, notify::Result<Event>);

async fn follow(mut told: mpsc::UnboundedReceiver<Told>, dir: PathBuf, mut publisher: Publisher) {
    while let Some(first) = told.recv().await {
        let began = first.0;
        let mut touched = BTreeSet::new();
        note(&mut touched, first.1, &dir);
        while began.elapsed() < LONGEST {
            match tokio::time::timeout(QUIET, told.recv()).await {
                Ok(Some((_, event))) => note(&mut touched, event, &dir),
                Ok(None) | Err(_) => break,
            }
        }
        if !touched.is_empty() {
            publisher.look(&touched, began).await;
        }
    }
}

/// Where to look because of an event.
fn note(touched: &mut BTreeSet<PathBuf>, event: notify::Result<Event>, dir: &Path) {
    match event {
        // Some were lost: look everywhere.
        Ok(event) if event.need_rescan() => {
            touched.insert(dir.to_owned());
        }
        Ok(event) if matters(event.kind) => touched.extend(event.paths),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "watching the task code"),
    }
}

/// Reading a file is no change, and reading is what follows a change.
fn matters(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
