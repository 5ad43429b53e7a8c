//! A connection over a Unix socket that wakes its task only for what that waits for.
//!
//! Whenever the other side has read something the kernel says that there is room again, and it says so
//! to everybody who listens for room, needed or not. A stream of tokio's always listens: each message
//! would wake its sender for nothing, which on a machine that is not busy costs more than the message.
//! So this one listens for room only while a write waits.

use std::{
    io::{self, IoSlice, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    pin::Pin,
    task::{Context, Poll, ready},
};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, unix::AsyncFd};

/// One connection.
pub struct Stream {
    socket: AsyncFd<UnixStream>,
    /// Listens for room, as long as a write waits for it.
    full: Option<AsyncFd<UnixStream>>,
}

impl Stream {
    /// Takes over a connection of tokio's.
    pub fn of(stream: tokio::net::UnixStream) -> io::Result<Self> {
        let socket = listen(stream.into_std()?, Interest::READABLE)?;
        Ok(Self { socket, full: None })
    }

    fn write(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&UnixStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if self.full.is_none() {
            match write(self.socket.get_ref()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
        let waits = match self.full.take() {
            Some(waits) => waits,
            None => {
                let again = self.socket.get_ref().try_clone()?;
                listen(again, Interest::WRITABLE)?
            }
        };
        let waits = self.full.insert(waits);
        loop {
            let mut room = ready!(waits.poll_write_ready(cx))?;
            if let Ok(done) = room.try_io(|socket| write(socket.get_ref())) {
                self.full = None;
                return Poll::Ready(done);
            }
        }
    }
}

#[expect(unsafe_code, reason = "a UnixStream owns its descriptor until it is dropped")]
fn listen(socket: UnixStream, interest: Interest) -> io::Result<AsyncFd<UnixStream>> {
    Ok(unsafe { AsyncFd::register_with_interest(socket, interest) }?)
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.socket.poll_read_ready(cx))?;
            let space = buf.initialize_unfilled();
            let wanted = space.len();
            match ready.try_io(|socket| socket.get_ref().read(space)) {
                Ok(Ok(read)) => {
                    // Less than there was space for: it would find nothing now.
                    if read > 0 && read < wanted {
                        ready.clear_ready();
                    }
                    buf.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_nothing_yet) => {}
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |mut socket| socket.write(buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |mut socket| socket.write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.socket.get_ref().shutdown(Shutdown::Write))
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Megabytes both ways at once: writes wait for room, and reads for more.
    #[tokio::test]
    async fn all_arrives_and_then_the_end() {
        let (one, other) = tokio::net::UnixStream::pair().unwrap();
        let ends = [one, other].map(|stream| Stream::of(stream).unwrap());
        let sent: Vec<u8> = (0..3_000_000_u32).map(|i| i.to_le_bytes()[1]).collect();
        let both = ends.map(|stream| {
            let sent = sent.clone();
            tokio::spawn(async move {
                let (mut from, mut to) = tokio::io::split(stream);
                let writes = async {
                    to.write_all(&sent).await.unwrap();
                    to.shutdown().await.unwrap();
                };
                let mut got = Vec::new();
                let reads = from.read_to_end(&mut got);
                let ((), read) = tokio::join!(writes, reads);
                read.unwrap();
                got
            })
        });
        for got in both {
            assert!(got.await.unwrap() == sent);
        }
    }
}
