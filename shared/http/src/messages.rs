//! Messages to other services: one-way requests, sent from an [`Outbox`].

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tasker_core::Json;

use crate::{
    outbox::{Message, Outbox, joined},
    peers::Peers,
    reply::PeerError,
};

/// How long a receiver may take to answer 202.
const ANSWER: Duration = Duration::from_secs(10);
/// A message that did not leave is tried again so often, after so long.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(30);

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
        let idle = outbox.add(&url, message);
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
