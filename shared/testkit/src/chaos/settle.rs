//! Waiting for the end of all runs.

use std::time::{Duration, Instant};

use super::{person::Person, world::World};

impl World {
    /// Waits until every run has ended; answers how long that took, or `None` if it did not within
    /// `limit`. Where a call waits for a person, the person looks at the oracle's book: what was
    /// done is recorded, what was not is sent.
    pub async fn settle(
        &mut self,
        limit: Duration,
        person: &mut Person,
    ) -> anyhow::Result<Option<Duration>> {
        let began = Instant::now();
        loop {
            if self.open().await == Some(0) {
                return Ok(Some(began.elapsed()));
            }
            if began.elapsed() > limit {
                return Ok(None);
            }
            person.look(self).await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
