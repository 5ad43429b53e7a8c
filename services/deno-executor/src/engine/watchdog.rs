//! One thread per process that stops a turn at its deadline, and the process when it grows too large:
//! typed arrays and the engine's own structures lie outside the heap limit.

use std::{
    sync::{
        Arc, Condvar, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use deno_core::v8::IsolateHandle;
use nix::sys::resource::{UsageWho, getrusage};

/// Nothing stopped the turn.
pub const NONE: u8 = 0;
/// The deadline stopped it.
pub const TIME: u8 = 1;
/// The heap limit stopped it.
pub const HEAP: u8 = 2;

/// How often memory is looked at while code runs.
const LOOK: Duration = Duration::from_millis(50);

/// The turn under way in this process, if one is.
#[derive(Default)]
pub struct Watchdog {
    state: Mutex<Watched>,
    begun: Condvar,
}

#[derive(Default)]
struct Watched {
    turn: Option<(Instant, IsolateHandle, Arc<AtomicU8>)>,
    /// The thread waits for a turn. While turns follow one another it is not woken for each: most
    /// last for microseconds.
    asleep: bool,
}

struct Memory {
    most: usize,
    too_much: Box<dyn Fn() + Send + Sync>,
}

static DOG: LazyLock<&'static Watchdog> = LazyLock::new(|| {
    let dog: &'static Watchdog = Box::leak(Box::default());
    let thread = std::thread::Builder::new().name("watchdog".into());
    // Without it the executor's own deadline still kills the process.
    let _ = thread.spawn(|| dog.watch());
    dog
});
static MEMORY: OnceLock<Memory> = OnceLock::new();

/// Says what happens when this process takes more than `most` bytes while code runs (Linux;
/// elsewhere the heap limit alone counts).
pub fn watch_memory(most: usize, too_much: impl Fn() + Send + Sync + 'static) {
    let _ = MEMORY.set(Memory { most, too_much: Box::new(too_much) });
    // The thread starts now: later this process may not start any.
    LazyLock::force(&DOG);
}

/// A turn's deadline; disarmed when dropped.
pub struct Deadline(());

impl Watchdog {
    /// Stops the isolate `ms` from now unless disarmed before.
    pub fn arm(ms: u64, isolate: IsolateHandle, stopped: Arc<AtomicU8>) -> Deadline {
        let dog = &**DOG;
        let mut watched = dog.lock();
        watched.turn = Some((Instant::now() + Duration::from_millis(ms), isolate, stopped));
        if watched.asleep {
            dog.begun.notify_one();
        }
        Deadline(())
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        let mut watched = self.lock();
        loop {
            let now = Instant::now();
            let wait = match watched.turn.take_if(|(until, ..)| *until <= now) {
                Some((_, isolate, stopped)) => {
                    stopped.store(TIME, Ordering::SeqCst);
                    isolate.terminate_execution();
                    continue;
                }
                None => watched.turn.as_ref().map(|(until, ..)| LOOK.min(*until - now)),
            };
            watched = match wait {
                Some(wait) => {
                    drop(watched);
                    look_at_memory();
                    std::thread::sleep(wait);
                    self.lock()
                }
                None => {
                    watched.asleep = true;
                    let mut woken =
                        self.begun.wait(watched).unwrap_or_else(PoisonError::into_inner);
                    woken.asleep = false;
                    woken
                }
            };
        }
    }
}

fn look_at_memory() {
    if let Some(memory) = MEMORY.get()
        && resident().is_some_and(|bytes| bytes > memory.most)
    {
        (memory.too_much)();
    }
}

/// The most memory that this process ever had, bytes. It may open no file to know what it has now.
fn resident() -> Option<usize> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    usize::try_from(usage.max_rss()).ok()?.checked_mul(1024)
}

impl Deadline {
    /// The turn is over.
    pub fn disarm(&mut self) {
        DOG.lock().turn = None;
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.disarm();
    }
}
