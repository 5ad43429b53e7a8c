//! A worker and the run in it, seen from the executor.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::unix::pipe::{Receiver, Sender},
};

use super::{Loss, Template, Turn};
use crate::protocol::{FromWorker, checked};

/// A frame may be sent to two workers, and may be large.
pub type Frame = Arc<Vec<u8>>;

/// A worker with its run. Dropping it ends the worker.
pub struct Session {
    number: u64,
    template: Template,
    to: Sender,
    from: BufReader<Receiver>,
    dead: bool,
    /// Why there is no worker.
    pub refused: Option<String>,
}

impl Session {
    /// Begins a worker.
    pub async fn begin(template: &Template, number: u64) -> std::io::Result<Self> {
        // No socket: whoever waits for a message on one is woken too when his own was read.
        let (input, to) = std::io::pipe()?;
        let (from, output) = std::io::pipe()?;
        template.begin(number, [input.into(), output.into()]).await?;
        let (to, from) = (Sender::from_owned_fd(to.into())?, Receiver::from_owned_fd(from.into())?);
        let (template, from) = (template.clone(), BufReader::new(from));
        Ok(Self { number, template, to, from, dead: false, refused: None })
    }

    /// False once its worker was found to be gone.
    pub fn alive(&self) -> bool {
        !self.dead
    }

    /// Sends a frame and waits for the code to be quiet; after so long without a word it is over.
    pub async fn ask(&mut self, frame: &[u8], timeout: Duration) -> Turn {
        let turn = match self.to.write_all(frame).await {
            Ok(()) => self.answer(timeout).await,
            Err(_) => Turn::Lost(Loss::Crashed),
        };
        if let Turn::Lost(loss) = &turn {
            self.dead = true;
            tracing::warn!(?loss, "a worker process ended");
        }
        turn
    }

    async fn answer(&mut self, timeout: Duration) -> Turn {
        loop {
            match tokio::time::timeout(timeout, read(&mut self.from)).await {
                Ok(Some(FromWorker::Quiet(report))) => return Turn::Quiet(report),
                Ok(Some(FromWorker::Alive)) => {}
                Ok(Some(FromWorker::OutOfMemory)) => return Turn::Lost(Loss::Memory),
                Ok(Some(FromWorker::NoWorker(why))) => {
                    self.refused = Some(why);
                    return Turn::Lost(Loss::Crashed);
                }
                Ok(None) => return Turn::Lost(Loss::Crashed),
                Err(_) => return Turn::Lost(Loss::Hung),
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.template.end(self.number);
    }
}

async fn read(from: &mut BufReader<Receiver>) -> Option<FromWorker> {
    let mut length = [0; 4];
    from.read_exact(&mut length).await.ok()?;
    let mut body = vec![0; checked(length).ok()?];
    from.read_exact(&mut body).await.ok()?;
    serde_json::from_slice(&body).ok()
}
