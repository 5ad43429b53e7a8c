//! HTTP by hand, for requests that no client library would send.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout},
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(40);

pub struct Socket(pub TcpStream);

impl Socket {
    pub async fn open(to: SocketAddr) -> Self {
        Self(TcpStream::connect(to).await.unwrap())
    }

    /// Writes; the other side may already be gone.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// All there is until the server closes.
    pub async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        // A reset ends it as well as a close.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await.expect("never closed");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What comes within `time`, and whether the server closed.
    pub async fn within(&mut self, time: Duration) -> (String, bool) {
        let until = Instant::now() + time;
        let (mut bytes, mut piece) = (Vec::new(), [0; 8192]);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match timeout(left, self.0.read(&mut piece)).await {
                Err(_) => return (String::from_utf8_lossy(&bytes).into_owned(), false),
                Ok(Ok(0) | Err(_)) => return (String::from_utf8_lossy(&bytes).into_owned(), true),
                Ok(Ok(n)) => bytes.extend_from_slice(&piece[..n]),
            }
        }
    }
}

/// Sends bytes and answers what comes back; `Connection: close` is the caller's business.
pub async fn exchange(to: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut socket = Socket::open(to).await;
    socket.write(bytes).await;
    socket.rest().await
}

/// Statuses of all answers in `text`.
pub fn statuses(text: &str) -> Vec<u16> {
    let starts = text.match_indices("HTTP/1.1 ");
    starts.filter_map(|(at, _)| text.get(at + 9..at + 12)?.parse().ok()).collect()
}

pub fn post(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}
