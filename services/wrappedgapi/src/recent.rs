//! Calls that came a moment ago. Google knows no idempotency keys, so nothing here can promise that a call
//! happens once. What this process can do is remember: a call that comes again under its key while the
//! first is under way, or soon after it, gets the same answer. A restart forgets.

use std::{
    hash::{BuildHasher as _, RandomState},
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use lru::LruCache;
use tokio::sync::watch;

/// Calls that are remembered.
const MOST: NonZeroUsize = NonZeroUsize::new(1_000).expect("not zero");
/// How long.
const KEPT: Duration = Duration::from_secs(600);
/// A longer answer is for whoever waits for it, and not remembered.
const LONGEST: usize = 64 << 10;

/// The calls. Cheap to clone.
#[derive(Clone)]
pub struct Recent(Arc<Inner>);

struct Inner {
    hasher: RandomState,
    calls: Mutex<LruCache<String, Call>>,
}

struct Call {
    request: u64,
    since: Instant,
    answer: watch::Receiver<Option<Bytes>>,
}

/// What a call with a key is.
pub enum Look {
    /// The first: it is to be made, and its answer noted.
    First(Note),
    /// A repetition of one that is under way or done: what that is answered.
    Again(watch::Receiver<Option<Bytes>>),
    /// Another one than that which came under this key.
    Other,
}

/// Where the answer of a call is noted. Dropped without one, the call may be made anew.
pub struct Note {
    recent: Recent,
    key: String,
    answer: watch::Sender<Option<Bytes>>,
}

impl Recent {
    /// Nothing came yet.
    pub fn new() -> Self {
        let calls = Mutex::new(LruCache::new(MOST));
        Self(Arc::new(Inner { hasher: RandomState::new(), calls }))
    }

    /// Looks for a call by its key.
    pub fn look(&self, key: &str, request: &[u8]) -> Look {
        let request = self.0.hasher.hash_one(request);
        let mut calls = self.calls();
        if let Some(call) = calls.get(key).filter(|call| call.since.elapsed() < KEPT) {
            let same = call.request == request;
            return if same { Look::Again(call.answer.clone()) } else { Look::Other };
        }
        let (note, answer) = watch::channel(None);
        calls.put(key.to_owned(), Call { request, since: Instant::now(), answer });
        Look::First(Note { recent: self.clone(), key: key.to_owned(), answer: note })
    }

    fn calls(&self) -> MutexGuard<'_, LruCache<String, Call>> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Note {
    /// The call was answered so.
    pub fn answered(self, answer: &Bytes) {
        // Its own copy: a slice would keep all that was read.
        self.answer.send_replace(Some(Bytes::copy_from_slice(answer)));
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let kept = self.answer.borrow().as_ref().is_some_and(|answer| answer.len() <= LONGEST);
        if !kept {
            self.recent.calls().pop(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_answers_are_remembered() {
        let recent = Recent::new();
        let Look::First(note) = recent.look("k", b"a") else { panic!("first") };
        assert!(matches!(recent.look("k", b"b"), Look::Other));
        drop(note);
        let Look::First(note) = recent.look("k", b"a") else { panic!("nothing came of it") };
        let Look::Again(mut waits) = recent.look("k", b"a") else { panic!("again") };
        note.answered(&Bytes::from_static(b"1"));
        let answer = waits.wait_for(Option::is_some).await.ok().and_then(|a| a.clone());
        assert_eq!(answer.as_deref(), Some(b"1".as_slice()));
        let Look::Again(done) = recent.look("k", b"a") else { panic!("again") };
        assert!(done.borrow().is_some());
        let Look::First(note) = recent.look("long", b"a") else { panic!("first") };
        note.answered(&vec![0; LONGEST + 1].into());
        assert!(matches!(recent.look("long", b"a"), Look::First(_)));
    }
}
