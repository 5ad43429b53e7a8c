//! Messages between services: one-way requests that are answered 202 at once. One request at a time
//! is under way to each address, so messages arrive in the order in which they were sent; those that
//! come meanwhile travel together in the next one, as a JSON array.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tasker_core::Json;

use crate::reply::PeerError;

/// Most messages, and most bytes, of one request; a single message may be larger.
const MOST: (usize, usize) = (64, 1 << 20);

/// What happens to a message that nobody took, or that may have got lost.
pub type Undelivered = Box<dyn FnOnce(&PeerError) + Send>;

/// One message.
pub struct Message {
    /// Its JSON.
    pub body: Json,
    /// Called if it was not taken.
    pub undelivered: Undelivered,
}

/// Messages that wait, by address.
#[derive(Default)]
pub struct Outbox(Mutex<HashMap<String, Vec<Message>>>);

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Message>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message; true if nothing was under way or waiting, so that somebody must begin to send.
    pub fn add(&self, url: &str, message: Message) -> bool {
        let mut all = self.lock();
        if let Some(waiting) = all.get_mut(url) {
            waiting.push(message);
            return false;
        }
        all.insert(url.to_owned(), vec![message]);
        true
    }

    /// What goes out next to `url`; an address without messages is forgotten.
    pub fn next(&self, url: &str) -> Vec<Message> {
        let mut all = self.lock();
        let Some(waiting) = all.get_mut(url) else { return Vec::new() };
        let mut bytes = 0;
        let fits = waiting.iter().take(MOST.0).take_while(|message| {
            bytes += message.body.get().len();
            bytes <= MOST.1
        });
        let count = fits.count().max(1).min(waiting.len());
        let batch = waiting.drain(..count).collect::<Vec<_>>();
        if batch.is_empty() {
            all.remove(url);
        }
        batch
    }
}

/// One message as it is, several as an array.
pub fn joined(batch: &[Message]) -> Bytes {
    Bytes::from(match batch {
        [one] => one.body.get().to_owned(),
        many => {
            let all: Vec<&str> = many.iter().map(|message| message.body.get()).collect();
            format!("[{}]", all.join(","))
        }
    })
}
