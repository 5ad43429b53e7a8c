//! One thread per process that stops turns at their deadline.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use deno_core::v8::IsolateHandle;

/// Nothing stopped the turn.
pub const NONE: u8 = 0;
/// The deadline stopped it.
pub const TIME: u8 = 1;
/// The heap limit stopped it.
pub const HEAP: u8 = 2;

type Key = (Instant, u64);

/// The deadlines of all turns under way in this process.
#[derive(Default)]
pub struct Watchdog {
    armed: Mutex<BTreeMap<Key, (IsolateHandle, Arc<AtomicU8>)>>,
    earlier: Condvar,
    next: AtomicU64,
}

static DOG: LazyLock<&'static Watchdog> = LazyLock::new(|| {
    let dog: &'static Watchdog = Box::leak(Box::default());
    let thread = std::thread::Builder::new().name("watchdog".into());
    // Without it the executor's own deadline still kills the process.
    let _ = thread.spawn(|| dog.watch());
    dog
});

/// A turn's deadline; disarmed when dropped.
pub struct Deadline(Option<Key>);

impl Watchdog {
    /// Stops the isolate `ms` from now unless disarmed before.
    pub fn arm(ms: u64, isolate: IsolateHandle, stopped: Arc<AtomicU8>) -> Deadline {
        let dog = &**DOG;
        let key =
            (Instant::now() + Duration::from_millis(ms), dog.next.fetch_add(1, Ordering::Relaxed));
        let mut armed = dog.armed.lock().unwrap_or_else(PoisonError::into_inner);
        let first = armed.keys().next().is_none_or(|k| key < *k);
        armed.insert(key, (isolate, stopped));
        if first {
            dog.earlier.notify_one();
        }
        Deadline(Some(key))
    }

    fn watch(&self) {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let now = Instant::now();
            while let Some(entry) = armed.first_entry().filter(|e| e.key().0 <= now) {
                let (isolate, stopped) = entry.remove();
                stopped.store(TIME, Ordering::SeqCst);
                isolate.terminate_execution();
            }
            let wait = armed
                .keys()
                .next()
                .map_or(Duration::from_secs(3600), |(at, _)| at.saturating_duration_since(now));
            armed =
                self.earlier.wait_timeout(armed, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Deadline {
    /// The turn is over.
    pub fn disarm(&mut self) {
        if let Some(key) = self.0.take() {
            DOG.armed.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        }
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.disarm();
    }
}
