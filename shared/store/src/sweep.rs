//! What becomes of rows and runs whose time is over.

use tasker_core::{StackRunId, TaskRunId, chain::Rejected};

use crate::{
    Result, StoreError,
    control::{self, Stop},
    session::Backend,
    sql,
    store::{Store, TIMES},
    types::Advanced,
};

/// How often a run may grow while somebody wants to stop it.
const GROWS: usize = 10;

impl<B: Backend> Store<B> {
    /// Frees leases that ran out, ends crash loops and runs whose time is over.
    pub(crate) async fn sweep(&self, slot: Option<&str>) -> Result<usize> {
        let mut freed = self.ask(sql::RELEASE_EXPIRED, vec![]).await?.len();
        for mut row in self.ask(sql::POISON, vec![]).await? {
            freed += self.give_up(StackRunId(row.int()?), None).await;
        }
        for mut row in self.ask(sql::OVERDUE, vec![]).await? {
            let (run, ms) = (TaskRunId(row.int()?), row.int()?);
            let ended = self.stop(run, Stop::Timeout(ms)).await;
            freed += tolerated(ended.map(|_| true), run);
        }
        let Some(slot) = slot else { return Ok(freed) };
        let held = self.ask(sql::HELD_BY, vec![slot.into()]).await?;
        // All that were on board when it died share the blame.
        let aboard = u32::try_from(held.len()).unwrap_or(u32::MAX);
        for mut row in held {
            let id = row.int()?;
            let one = vec![id.into(), slot.into(), aboard.into()];
            let free = self.ask(sql::RELEASE_HELD, one).await?.len();
            freed += free;
            if free == 0 {
                freed += self.give_up(StackRunId(id), Some((slot, aboard))).await;
            }
        }
        Ok(freed)
    }

    /// Ends a row that keeps losing its holders; answers how many rows that were.
    async fn give_up(&self, id: StackRunId, boot: Option<(&str, u32)>) -> usize {
        let done = async { control::crash_loop(self.begin().await?, id, boot, TIMES).await };
        tolerated(done.await, id)
    }

    /// A run that grows while it is being stopped is looked at again.
    pub(crate) async fn stop(&self, run: TaskRunId, why: Stop) -> Result<Advanced> {
        for _ in 0..GROWS {
            match control::stop(self.begin().await?, run, why, TIMES).await {
                Err(StoreError::Rejected(Rejected::Outdated)) => {}
                done => return done,
            }
        }
        Err(Rejected::Outdated.into())
    }

    /// Pauses a run or lets it go on.
    pub(crate) async fn set_paused(&self, run: TaskRunId, paused: bool) -> Result<Advanced> {
        for _ in 0..GROWS {
            match control::pause(self.begin().await?, run, paused, TIMES).await {
                Err(StoreError::Rejected(Rejected::Outdated)) => {}
                done => return done,
            }
        }
        Err(Rejected::Outdated.into())
    }
}

/// What fails with one row must not keep the others from being freed; it is found again.
fn tolerated(done: Result<bool>, what: impl std::fmt::Display) -> usize {
    match done {
        Ok(ended) => usize::from(ended),
        // It ended by itself meanwhile.
        Err(StoreError::Rejected(_) | StoreError::NotFound(_)) => 0,
        Err(error) => {
            tracing::warn!(%error, %what, "could not be ended; tried again later");
            0
        }
    }
}
