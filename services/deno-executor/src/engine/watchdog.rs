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
    armed: Mutex<Armed>,
    earlier: Condvar,
    next: AtomicU64,
}

#[derive(Default)]
struct Armed {
    turns: BTreeMap<Key, (IsolateHandle, Arc<AtomicU8>)>,
    /// Until then the thread sleeps; `None`: until it is woken. A turn that ends is no reason to wake
    /// it, and one that begins only if its deadline is earlier: most last for microseconds.
    sleeps_until: Option<Instant>,
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
        let earlier = armed.sleeps_until.is_none_or(|until| key.0 < until);
        armed.turns.insert(key, (isolate, stopped));
        if earlier {
            dog.earlier.notify_one();
        }
        Deadline(Some(key))
    }

    fn watch(&self) {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let now = Instant::now();
            while let Some(entry) = armed.turns.first_entry().filter(|e| e.key().0 <= now) {
                let (isolate, stopped) = entry.remove();
                stopped.store(TIME, Ordering::SeqCst);
                isolate.terminate_execution();
            }
            let until = armed.turns.keys().next().map(|(at, _)| *at);
            armed.sleeps_until = until;
            armed = match until {
                Some(at) => {
                    let wait = at.saturating_duration_since(now);
                    let woken = self.earlier.wait_timeout(armed, wait);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.earlier.wait(armed).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl Deadline {
    /// The turn is over.
    pub fn disarm(&mut self) {
        if let Some(key) = self.0.take() {
            let mut armed = DOG.armed.lock().unwrap_or_else(PoisonError::into_inner);
            armed.turns.remove(&key);
        }
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.disarm();
    }
}
