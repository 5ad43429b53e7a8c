//! The hooks of test builds, switched by `TASKER_FAULT`, which is read once.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

struct Faults {
    text: String,
    /// Point, and passes until the end.
    kill: Option<(String, AtomicU64)>,
}

static FAULTS: LazyLock<Option<Faults>> =
    LazyLock::new(|| std::env::var("TASKER_FAULT").ok().filter(|t| !t.is_empty()).map(Faults::new));

impl Faults {
    fn new(text: String) -> Self {
        let kill = text.split(',').find_map(|word| {
            let (point, passes) = word.strip_prefix("kill:")?.rsplit_once(':')?;
            Some((point.to_owned(), AtomicU64::new(passes.parse().ok()?)))
        });
        Self { text, kill }
    }

    fn names(&self, fault: &str) -> bool {
        self.text.split(',').any(|word| word == fault)
    }

    /// Whether this is the pass of `name.when` at which the process is to end.
    fn ends_at(&self, name: &str, when: &str) -> bool {
        let Some((point, left)) = &self.kill else { return false };
        let here =
            point.strip_prefix(name).is_some_and(|rest| rest.strip_prefix('.') == Some(when));
        here && left.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

/// The faults that are switched on, as written.
pub fn active() -> Option<&'static str> {
    FAULTS.as_ref().map(|f| f.text.as_str())
}

/// Whether the guard of this name is left out.
pub fn on(guard: &str) -> bool {
    FAULTS.as_ref().is_some_and(|f| f.names(guard))
}

/// Ends the process, as `kill -9` would, if this is the pass of `name.when` that was asked for.
pub fn point(name: &str, when: &str) {
    if FAULTS.as_ref().is_some_and(|f| f.ends_at(name, when)) {
        std::process::abort();
    }
}

/// Panics if this was asked for: what is in memory then must not get into a log.
pub fn panic_at(place: &str) {
    assert!(!on(&format!("panic:{place}")), "a panic on purpose at {place}");
}

/// Ends the process if it is about to run the task that was named as `poison:NAME`.
pub fn poison(task: &str) {
    if on(&format!("poison:{task}")) {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::Faults;

    #[test]
    fn a_fault_is_named_as_a_whole() {
        let faults = Faults::new("nosweep,poison:boom".into());
        assert!(faults.names("nosweep") && faults.names("poison:boom"));
        assert!(!faults.names("sweep") && !faults.names("poison:boo") && !faults.names(""));
    }

    #[test]
    fn the_process_ends_at_the_pass_that_was_asked_for() {
        let faults = Faults::new("nosweep,kill:advance.after:3".into());
        let others = [("advance", "before"), ("adv", "after"), ("advance.after", "")];
        assert!(!others.iter().any(|(name, when)| faults.ends_at(name, when)));
        let passes = [1, 2, 3, 4].map(|_| faults.ends_at("advance", "after"));
        assert_eq!(passes, [false, false, true, false]);
    }
}
