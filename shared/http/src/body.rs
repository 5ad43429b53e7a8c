//! Request bodies that have to keep coming.
//!
//! A body is cut when nothing comes for [`IDLE`], or when it comes so slowly that it would hold its
//! connection for hours. Only time spent waiting for the client counts. What a handler does not read
//! (it refused the request, or the body is too large) is thrown away: were the connection closed at
//! once, the client would see a reset instead of the answer.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// Longest wait for the next piece of a body.
const IDLE: Duration = Duration::from_secs(15);
/// Slowest body that is waited for, bytes a second over the whole body.
const SLOWEST: u64 = 1024;

/// How much of what nobody reads is taken off the connection, bytes, and for how long.
const UNREAD: usize = 64 << 20;
const UNREAD_FOR: Duration = Duration::from_secs(5);

/// The client stopped sending.
#[derive(Debug, thiserror::Error)]
#[error("the body came too slowly")]
struct TooSlow;

/// A body with a deadline for each piece.
pub struct Paced {
    body: Body,
    received: u64,
    waited: Duration,
    /// Since when the client is waited for, and until when.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    /// Nothing more comes.
    ended: bool,
    cut: Cut,
}

/// Tells whether a body was cut, after it has gone to a handler.
#[derive(Clone, Default)]
pub struct Cut(Arc<AtomicBool>);

impl Cut {
    /// Whether it was.
    pub fn happened(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Paced {
    /// Paces `body`: it is cut when it stalls, which the second value tells.
    pub fn new(body: Body) -> (Self, Cut) {
        let cut = Cut::default();
        let paced = Self {
            body,
            received: 0,
            waited: Duration::ZERO,
            waiting: None,
            ended: false,
            cut: cut.clone(),
        };
        (paced, cut)
    }

    fn allowance(&self) -> Duration {
        let earned = IDLE + Duration::from_secs(self.received / SLOWEST);
        IDLE.min(earned.saturating_sub(self.waited))
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.ended && !self.body.is_end_stream() {
            let rest = std::mem::replace(&mut self.body, Body::empty());
            runtime.spawn(tokio::time::timeout(UNREAD_FOR, discard(rest)));
        }
    }
}

/// Reads on while the answer is on its way.
async fn discard(mut body: Body) {
    let mut left = UNREAD;
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            break;
        }
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            if let Some((since, _)) = self.waiting.take() {
                self.waited += since.elapsed();
            }
            if let Some(Ok(frame)) = &frame {
                self.received += frame.data_ref().map_or(0, |d| d.len() as u64);
            }
            self.ended = !matches!(frame, Some(Ok(_)));
            return Poll::Ready(frame);
        }
        if self.waiting.is_none() {
            let now = Instant::now();
            let until = now + self.allowance();
            self.waiting = Some((now, Box::pin(sleep_until(until))));
        }
        if let Some((_, deadline)) = &mut self.waiting {
            ready!(deadline.as_mut().poll(cx));
        }
        self.ended = true;
        self.cut.0.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new(TooSlow))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
