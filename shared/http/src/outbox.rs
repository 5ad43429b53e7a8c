//! Messages between services: one-way requests that are answered 202 at once. One request at a time
//! is under way to each address, so messages arrive in the order in which they were sent; those that
//! come meanwhile travel together in the next one, as a JSON array.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tasker_core::Json;

use crate::peers::{PeerError, Peers};

/// Most messages, and most bytes, of one request; a single message may be larger.
const MOST: (usize, usize) = (64, 1 << 20);
/// How long a receiver may take to answer 202.
const ANSWER: Duration = Duration::from_secs(10);
/// A message that did not leave is tried again so often, after so long.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(30);

/// What happens to a message that nobody took, or that may have got lost.
type Undelivered = Box<dyn FnOnce(&PeerError) + Send>;

struct Message {
    body: Json,
    undelivered: Undelivered,
}

/// Messages that wait, by address.
#[derive(Default)]
pub struct Outbox(Mutex<HashMap<String, Vec<Message>>>);

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Message>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes out next to `url`; an address without messages is forgotten.
    fn next(&self, url: &str) -> Vec<Message> {
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

impl Peers {
    /// Sends a message to a path of `service` at `address`, or of any `service` there is.
    /// `undelivered` runs if nobody took it, as far as one can tell from here.
    pub fn message(
        &self,
        service: &'static str,
        address: Option<&str>,
        path: &str,
        body: Json,
        undelivered: impl FnOnce(&PeerError) + Send + 'static,
    ) {
        let url = match address {
            Some(address) => format!("{address}{path}"),
            None => self.url(service, path),
        };
        let message = Message { body, undelivered: Box::new(undelivered) };
        let outbox = self.outbox();
        let idle = {
            let mut all = outbox.lock();
            let idle = !all.contains_key(&url);
            all.entry(url.clone()).or_default().push(message);
            idle
        };
        if idle {
            let own = address.is_none_or(|address| address == self.url(service, ""));
            let peers = self.clone();
            self.tracked(async move { peers.flush(outbox, service, url, own).await });
        }
    }

    /// Sends until nothing waits any more.
    async fn flush(&self, outbox: Arc<Outbox>, service: &'static str, url: String, own: bool) {
        loop {
            let batch = outbox.next(&url);
            if batch.is_empty() {
                return;
            }
            let sent = self.deliver(service, &url, own, joined(&batch)).await;
            if let Err(error) = sent {
                tracing::warn!(service, %error, messages = batch.len(), "messages were not taken");
                batch.into_iter().for_each(|message| (message.undelivered)(&error));
            }
        }
    }

    async fn deliver(
        &self,
        service: &str,
        url: &str,
        own: bool,
        body: Bytes,
    ) -> Result<(), PeerError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.deliver_once(service, url, own, body.clone(), ANSWER).await {
                Err(PeerError::NotSent { .. }) if tries < TRIES => {
                    tokio::time::sleep(PAUSE * tries).await;
                }
                Ok(reply) if reply.status.is_success() => return Ok(()),
                Ok(reply) => {
                    let cause = format!("answered {}", reply.status);
                    return Err(PeerError::Unknown { service: service.to_owned(), cause });
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// One message as it is, several as an array.
fn joined(batch: &[Message]) -> Bytes {
    Bytes::from(match batch {
        [one] => one.body.get().to_owned(),
        many => {
            let all: Vec<&str> = many.iter().map(|message| message.body.get()).collect();
            format!("[{}]", all.join(","))
        }
    })
}
