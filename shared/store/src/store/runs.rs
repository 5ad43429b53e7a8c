//! Verbs of processors and executors.

use async_trait::async_trait;
use tasker_core::{
    StackRunId,
    run::step::Step,
    wire::{Handed, LeaseRef},
};

use super::{Store, beat, step};
use crate::{
    Result, SlotGuard, StoreError, Value,
    adapter::RunStore,
    image,
    journal::open_on_read,
    refused_value,
    session::{Backend, Session, Write},
    shares, sql,
    types::{Advance, Advanced, Claimed, Held, Outcome, RunImage},
    verbs::{self, Wanted},
};

#[async_trait]
impl<B: Backend> RunStore for Store<B> {
    async fn hold_slot(&self, slot: &str) -> Result<Option<SlotGuard>> {
        self.backend.hold_slot(slot).await
    }

    async fn claim(&self, owner: &str) -> Result<Option<Claimed>> {
        tasker_fault::around("claim", self.claimed(Wanted::Next, owner)).await
    }

    async fn claim_row(&self, id: StackRunId, owner: &str) -> Result<Option<Claimed>> {
        tasker_fault::around("claim", self.claimed(Wanted::Row(id), owner)).await
    }

    async fn handed_by(&self, lease: &LeaseRef, root: StackRunId) -> Result<Option<Handed>> {
        let owner = &lease.owner;
        let params = vec![root.into(), owner.into(), lease.id.into(), lease.epoch.into()];
        let Some(row) = self.ask(sql::HANDED_BY, params).await?.into_iter().next() else {
            return Ok(None);
        };
        let found = open_on_read(&self.keys, verbs::claimed(row, owner)?)?;
        Ok(Some(found.row))
    }

    async fn claim_attention(&self, id: StackRunId, owner: &str) -> Result<Option<Claimed>> {
        self.claimed(Wanted::Attention(id), owner).await
    }

    async fn image(&self, root: StackRunId) -> Result<RunImage> {
        let image = tasker_fault::around("image", image::image(self.begin().await?, root)).await?;
        open_on_read(&self.keys, image)
    }

    async fn advance(&self, advance: &Advance) -> Result<Advanced> {
        let done = verbs::advance(self.begin().await?, advance);
        open_on_read(&self.keys, tasker_fault::around("advance", done).await?)
    }

    async fn record(&self, lease: &LeaseRef, outcome: &Outcome, at_ms: i64) -> Result<Advanced> {
        let done = verbs::record(self.begin().await?, lease, outcome, at_ms);
        match tasker_fault::around("record", done).await {
            // The run must not hang on a value that the database does not take.
            Err(StoreError::Invalid { message, .. }) => {
                let refused = Err(tasker_core::json::of(&refused_value(&message)));
                verbs::record(self.begin().await?, lease, &refused, at_ms).await
            }
            done => done,
        }
    }

    async fn release(&self, row: &Handed, delay_ms: i64) -> Result<()> {
        tasker_fault::around("release", verbs::release(self.begin().await?, row, delay_ms)).await
    }

    async fn step(&self, group: &[Step]) -> Vec<Result<bool>> {
        tasker_fault::around("step", step::commit(self, group)).await
    }

    async fn reserve(&self, count: u32) -> Result<Vec<StackRunId>> {
        let rows = self.ask(sql::NEW_IDS, vec![count.into()]).await?;
        rows.into_iter().map(|mut r| Ok(StackRunId(r.int()?))).collect()
    }

    async fn heartbeat(&self, owner: &str) -> Result<Vec<Held>> {
        let held = Write::new(sql::HELD_BY, [owner.into()]);
        let mut found = self.begin().await?.commit(vec![beat(owner), held]).await?;
        self.beats.note(owner);
        let held = found.pop().unwrap_or_default();
        held.into_iter().map(|row| crate::rows::held(row, owner)).collect()
    }

    async fn holds(&self, lease: &LeaseRef) -> Result<bool> {
        let by: [Value; 3] = [lease.id.into(), lease.epoch.into(), (&lease.owner).into()];
        Ok(!self.ask(sql::HOLDS, by.into()).await?.is_empty())
    }

    async fn unpark(&self, roots: &[StackRunId], executor: &str) -> Result<()> {
        let ids: Vec<i64> = roots.iter().map(|id| id.0).collect();
        let params = vec![tasker_core::json::of(&ids).into(), executor.into()];
        self.ask(sql::UNPARK, params).await.map(|_| ())
    }

    async fn abandon(&self, lease: &LeaseRef, delay_ms: i64, in_flight: u32) -> Result<bool> {
        verbs::abandon(self.begin().await?, lease, delay_ms, in_flight).await
    }

    async fn alone(&self, lease: &LeaseRef) -> Result<bool> {
        verbs::alone(self.begin().await?, lease).await
    }

    async fn doubt(&self, lease: &LeaseRef) -> Result<Advanced> {
        verbs::doubt(self.begin().await?, lease).await
    }

    async fn release_expired(&self, slot: Option<&str>) -> Result<usize> {
        if tasker_fault::on("nosweep") {
            return Ok(0);
        }
        tasker_fault::around("sweep", self.sweep(slot)).await
    }

    async fn next_deadline(&self) -> Result<Option<u64>> {
        let rows = self.ask(sql::NEXT_DEADLINE, vec![shares::in_some_order().into()]).await?;
        let ms = verbs::one(rows)?.maybe_int()?;
        Ok(ms.map(|ms| u64::try_from(ms).unwrap_or(0)))
    }
}
