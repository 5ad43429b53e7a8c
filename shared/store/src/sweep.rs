//! What becomes of rows and runs whose time is over.

use std::collections::BTreeSet;

use tasker_core::{
    StackRunId, TaskRunId,
    run::{Death, Rejected, blame},
};

use crate::{
    Result, StoreError,
    control::{self, Stop},
    lost,
    plan::Held,
    session::Backend,
    sql,
    store::Store,
    types::Advanced,
};

/// How often a run may grow while somebody wants to stop it.
const GROWS: usize = 10;

impl<B: Backend> Store<B> {
    /// Frees leases that ran out, ends crash loops and runs whose time is over.
    pub(crate) async fn sweep(&self, slot: Option<&str>) -> Result<usize> {
        let mut freed = 0;
        let lost = lost::ids(self.ask(sql::LOST_RUNS, vec![]).await?)?;
        if !lost.is_empty() {
            let batch = lost::free(self.begin().await?, &lost).await?;
            freed += batch.rows;
            for root in batch.later {
                let alone = lost::free_run(self.begin().await?, root).await;
                freed += tolerated(alone, root);
            }
        }
        for mut row in self.ask(sql::OVERDUE, vec![]).await? {
            let (run, ms) = (TaskRunId(row.int()?), row.int()?);
            let ended = self.stop(run, Stop::Timeout(ms)).await;
            freed += tolerated(ended.map(|_| 1), run);
        }
        let Some(slot) = slot else { return Ok(freed) };
        Ok(freed + self.start_of(slot).await?)
    }

    /// Frees what a slot held when it died, run by run.
    async fn start_of(&self, slot: &str) -> Result<usize> {
        let starts = self.starts(slot).await?;
        let (mut held, mut roots) = (BTreeSet::<Held>::new(), BTreeSet::new());
        for mut row in self.ask(sql::HELD_BY, vec![slot.into()]).await? {
            held.insert((StackRunId(row.int()?), row.int()?));
            roots.insert(StackRunId(row.int()?));
        }
        let death = match u32::try_from(held.len()) {
            Ok(held) if !blame::crash_loop(starts) => Death::Restarted { held },
            _ => Death::CrashLoop,
        };
        let mut freed = 0;
        for root in roots {
            let free = lost::free_held(self.begin().await?, root, slot, &held, death).await;
            freed += tolerated(free, root);
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

    /// A run that grows while it is being stopped is looked at again.
    pub(crate) async fn stop(&self, run: TaskRunId, why: Stop) -> Result<Advanced> {
        for _ in 0..GROWS {
            match control::stop(self.begin().await?, run, why).await {
                Err(StoreError::Rejected(Rejected::Outdated)) => {}
                done => return done,
            }
        }
        Err(Rejected::Outdated.into())
    }

    /// Pauses a run or lets it go on.
    pub(crate) async fn set_paused(&self, run: TaskRunId, paused: bool) -> Result<Advanced> {
        for _ in 0..GROWS {
            match control::pause(self.begin().await?, run, paused).await {
                Err(StoreError::Rejected(Rejected::Outdated)) => {}
                done => return done,
            }
        }
        Err(Rejected::Outdated.into())
    }
}

/// What fails with one run must not keep the others from being freed; it is found again.
fn tolerated(rows: Result<usize>, what: impl std::fmt::Display) -> usize {
    match rows {
        Ok(rows) => rows,
        // It ended by itself meanwhile.
        Err(StoreError::Rejected(_) | StoreError::NotFound(_)) => 0,
        Err(error) => {
            tracing::warn!(%error, %what, "could not be ended; tried again later");
            0
        }
    }
}
