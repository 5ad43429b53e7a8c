//! What becomes of rows and runs whose time is over.

use tasker_core::{StackRunId, TaskRunId, blame, chain::Rejected};

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
        Ok(freed + self.start_of(slot).await?)
    }

    /// Frees what a slot held when it died. All that were on board share the blame; in a storm each
    /// bears little, even if it was alone.
    async fn start_of(&self, slot: &str) -> Result<usize> {
        let restart_loop = blame::restart_loop(self.starts(slot).await?);
        if restart_loop {
            self.ask(sql::IN_A_STORM, vec![slot.into()]).await?;
        }
        let held = self.ask(sql::HELD_BY, vec![slot.into()]).await?;
        let aboard = u32::try_from(held.len()).ok().filter(|_| !restart_loop);
        let mut freed = 0;
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

    /// Notes a start, and answers how many there were in a row.
    async fn starts(&self, slot: &str) -> Result<u32> {
        self.ask(sql::FORGET_STARTS, vec![(-blame::FORGOTTEN_MS).into()]).await?;
        let counted = self.ask(sql::STARTED, vec![slot.into(), (-blame::SOON_MS).into()]).await?;
        let Some(mut row) = counted.into_iter().next() else { return Ok(1) };
        Ok(u32::try_from(row.int()?).unwrap_or(u32::MAX))
    }

    /// Ends a row that keeps losing its holders; answers how many rows that were.
    async fn give_up(&self, id: StackRunId, boot: Option<(&str, Option<u32>)>) -> usize {
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
