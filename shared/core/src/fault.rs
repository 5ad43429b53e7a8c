//! Faults on purpose, for `make chaos`: `TASKER_FAULT` names guards to leave out and points at
//! which the process ends itself, e.g. `nosweep,kill:advance.after:3`; `poison:NAME` makes a task of
//! that name end its executor. An experiment that does not
//! fail with its guard left out proves nothing. Unset (always, but in these tests) it costs one
//! comparison.

use std::{
    future::Future,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

struct Faults {
    text: String,
    /// Point, and passes until the end.
    kill: Option<(String, AtomicU64)>,
}

static FAULTS: LazyLock<Option<Faults>> = LazyLock::new(|| {
    let text = std::env::var("TASKER_FAULT").ok().filter(|t| !t.is_empty())?;
    let kill = text.split(',').find_map(|word| {
        let (point, passes) = word.strip_prefix("kill:")?.rsplit_once(':')?;
        Some((point.to_owned(), AtomicU64::new(passes.parse().ok()?)))
    });
    Some(Faults { text, kill })
});

/// The faults that are switched on, as written.
pub fn active() -> Option<&'static str> {
    FAULTS.as_ref().map(|f| f.text.as_str())
}

/// Whether the guard of this name is left out.
pub fn on(guard: &str) -> bool {
    FAULTS.as_ref().is_some_and(|f| f.text.split(',').any(|word| word == guard))
}

/// Ends the process, as `kill -9` would, if this is the pass of `name.when` that was asked for.
pub fn point(name: &str, when: &str) {
    if let Some(Faults { kill: Some((at, left)), .. }) = FAULTS.as_ref()
        && at.strip_prefix(name).is_some_and(|rest| rest.strip_prefix('.') == Some(when))
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        std::process::abort();
    }
}

/// Panics if this was asked for: what is in memory then must not get into a log.
pub fn panic_at(place: &str) {
    assert!(!on(&format!("panic:{place}")), "a panic on purpose at {place}");
}

/// Ends the process if it is about to run the task that was named as `poison:NAME`.
pub fn poison(task: &str) {
    let named = |word: &str| word.strip_prefix("poison:") == Some(task);
    if FAULTS.as_ref().is_some_and(|f| f.text.split(',').any(named)) {
        std::process::abort();
    }
}

/// A piece of work between the points `name.before` and `name.after`.
pub async fn around<T>(name: &str, work: impl Future<Output = T>) -> T {
    point(name, "before");
    let done = work.await;
    point(name, "after");
    done
}
