//! The verbs over any [`Backend`].

use async_trait::async_trait;
#[cfg(feature = "conformance")]
use tasker_core::run::Run;
use tasker_core::{
    Json, LogLine, StackRun, StackRunId, TaskFunction, TaskRun, TaskRunId,
    run::step::Step,
    wire::{Handed, LeaseRef},
};
use tasker_secrets::{Keystore, MasterKeys, Sealing};

#[cfg(feature = "conformance")]
use crate::plan::Loaded;
use crate::{
    Dialect, LEASE_MS, Result, StoreError, Value,
    adapter::{ControlStore, DatabaseStore, RunStore, SecretStore, TableStore, TaskStore},
    beats::Beats,
    control::{self, Stop},
    image, invariants,
    journal::open_on_read,
    postgres::SlotGuard,
    refused_value,
    rest::{self, Answer, Asker, Known, Once, Query, QueryError},
    rows,
    session::{Backend, Session, Write},
    shares, sql, step, submit,
    types::{
        Advance, Advanced, Claimed, Held, KeyInfo, NewRun, Outcome, Resolution, Retry, Rotate,
        Rotation, RunFilter, RunImage, SubmitOptions, Submitted, Upgrade, Waiting,
    },
    verbs::{self, Wanted},
};

/// The verbs on one database.
pub struct Store<B> {
    backend: B,
    keys: MasterKeys,
    /// Secrets are sealed even where a Vault could keep them.
    no_vault: bool,
    beats: Beats,
}

/// SQLSTATE of a second row where one may be.
const UNIQUE: &str = "23505";
/// Says that a holder lives.
fn beat(owner: &str) -> Write {
    Write::new(sql::BEAT, [owner.into(), LEASE_MS.into()])
}

impl<B: Backend> Store<B> {
    /// The verbs on `backend`, sealing with `keys`.
    pub fn new(backend: B, keys: MasterKeys, no_vault: bool) -> Self {
        Self { backend, keys, no_vault, beats: Beats::default() }
    }

    /// Opens a transaction.
    pub(crate) async fn begin(&self) -> Result<Sealing<'_, B::Session<'_>>> {
        Ok(Sealing { inner: self.backend.begin().await?, keys: &self.keys })
    }

    /// Opens a transaction for steps, on the connection that is kept for them.
    pub(crate) async fn begin_step(&self) -> Result<Sealing<'_, B::Session<'_>>> {
        Ok(Sealing { inner: self.backend.begin_step().await?, keys: &self.keys })
    }

    /// Which database it is.
    pub(crate) fn dialect(&self) -> Dialect {
        self.backend.dialect()
    }

    fn secrets(&self) -> Keystore<'_, B> {
        Keystore { backend: &self.backend, keys: &self.keys, no_vault: self.no_vault }
    }

    async fn claimed(&self, wanted: Wanted, owner: &str) -> Result<Option<Claimed>> {
        let beat = self.beats.due(owner).then(|| beat(owner));
        let beats = beat.is_some();
        let found = verbs::claim(self.begin().await?, wanted, owner, beat).await?;
        if beats {
            self.beats.note(owner);
        }
        found.map(|row| open_on_read(&self.keys, row)).transpose()
    }

    pub(crate) async fn ask(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<crate::value::Row>> {
        verbs::single(self.begin().await?, sql, params).await
    }
}

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

#[async_trait]
impl<B: Backend> ControlStore for Store<B> {
    async fn resolve(&self, call: StackRunId, how: &Resolution) -> Result<Advanced> {
        control::resolve(self.begin().await?, call, how).await
    }

    async fn attention(&self, limit: u32) -> Result<Vec<Waiting>> {
        let found = self.ask(sql::ATTENTION, vec![limit.into()]).await?;
        found.into_iter().map(rows::waiting).collect()
    }

    async fn cancel(&self, run: TaskRunId) -> Result<Advanced> {
        self.stop(run, Stop::Cancel).await
    }

    async fn pause(&self, run: TaskRunId, paused: bool) -> Result<Advanced> {
        self.set_paused(run, paused).await
    }

    async fn retry(&self, run: TaskRunId, how: Retry) -> Result<Advanced> {
        control::retry(self.begin().await?, run, how).await
    }

    async fn upgrade(&self, run: TaskRunId, how: Upgrade) -> Result<Advanced> {
        control::upgrade(self.begin().await?, run, how).await
    }

    async fn prune(&self, older_than_ms: i64, limit: u32) -> Result<usize> {
        control::prune(self.begin().await?, older_than_ms, limit).await
    }

    async fn forget(&self, run: TaskRunId) -> Result<bool> {
        Ok(control::forget(self.begin().await?, run).await? > 0)
    }
}

#[async_trait]
impl<B: Backend> TaskStore for Store<B> {
    async fn submit_with(&self, run: &NewRun, options: &SubmitOptions) -> Result<Submitted> {
        let made = submit::submit(self.begin().await?, run, options);
        match tasker_fault::around("submit", made).await {
            // Another request with this key was a moment faster: its run is found now.
            Err(StoreError::Invalid { code, .. })
                if code == UNIQUE && options.idempotency_key.is_some() =>
            {
                submit::submit(self.begin().await?, run, options).await
            }
            done => done,
        }
    }

    async fn publish(&self, name: &str, code: &str, about: Option<&str>) -> Result<TaskFunction> {
        self.ask(sql::PUBLISH, vec![name.into(), code.into(), about.into()]).await?;
        self.function(name).await?.ok_or_else(|| StoreError::missing("task", name))
    }

    async fn function(&self, name: &str) -> Result<Option<TaskFunction>> {
        let found = self.ask(sql::FUNCTION, vec![name.into()]).await?;
        found.into_iter().next().map(rows::function).transpose()
    }

    async fn functions(&self) -> Result<Vec<TaskFunction>> {
        self.ask(sql::FUNCTIONS, vec![]).await?.into_iter().map(rows::function).collect()
    }

    async fn run(&self, id: TaskRunId) -> Result<Option<TaskRun>> {
        self.ask(sql::RUN, vec![id.into()]).await?.into_iter().next().map(rows::run).transpose()
    }

    async fn runs(&self, f: &RunFilter) -> Result<Vec<TaskRun>> {
        let params =
            vec![f.status.into(), f.name.clone().into(), f.owner.clone().into(), f.limit.into()];
        self.ask(sql::RUNS, params).await?.into_iter().map(rows::run).collect()
    }

    async fn stack_run(&self, id: StackRunId) -> Result<Option<StackRun>> {
        let found = self.ask(sql::STACK_RUN, vec![id.into()]).await?;
        found.into_iter().next().map(rows::stack_run).transpose()
    }

    async fn stack_runs(&self, run: TaskRunId, after: i64, limit: u32) -> Result<Vec<StackRun>> {
        let params = vec![run.into(), after.into(), limit.into()];
        self.ask(sql::STACK_RUNS, params).await?.into_iter().map(rows::stack_run).collect()
    }

    async fn logs(&self, run: TaskRunId, limit: u32) -> Result<Vec<LogLine>> {
        let found = self.ask(sql::LOGS, vec![run.into(), limit.into()]).await?;
        found.into_iter().rev().map(rows::log_line).collect()
    }
}

#[async_trait]
impl<B: Backend> SecretStore for Store<B> {
    async fn key_get(&self, namespace: &str, name: &str) -> Result<Option<String>> {
        self.secrets().secret(namespace, name).await
    }

    async fn key_has(&self, namespace: &str, name: &str) -> Result<bool> {
        self.secrets().has(namespace, name).await
    }

    async fn key_set(&self, namespace: &str, name: &str, value: &str) -> Result<()> {
        self.secrets().set_secret(namespace, name, value).await
    }

    async fn key_delete(&self, namespace: &str, name: &str) -> Result<bool> {
        self.secrets().delete_secret(namespace, name).await
    }

    async fn key_list(&self, namespace: Option<&str>) -> Result<Vec<KeyInfo>> {
        self.secrets().list(namespace).await
    }

    async fn key_renew(&self) -> Result<()> {
        self.keys.renew()
    }

    async fn key_rotate(&self, which: Rotate) -> Result<Rotation> {
        self.secrets().rotate(which).await
    }
}

#[async_trait]
impl<B: Backend> TableStore for Store<B> {
    async fn rest_once(
        &self,
        query: &Query,
        asker: Option<&Asker>,
        once: Option<&Once>,
    ) -> std::result::Result<Answer, QueryError> {
        rest::run(&self.backend, query, asker, once).await
    }

    async fn begin_sent(&self, once: &Once) -> std::result::Result<Known, QueryError> {
        rest::begin(&self.backend, once).await
    }

    async fn end_sent(
        &self,
        once: &Once,
        answer: Option<&Json>,
    ) -> std::result::Result<(), QueryError> {
        rest::end(&self.backend, once, answer).await
    }
}

#[async_trait]
impl<B: Backend> DatabaseStore for Store<B> {
    async fn migrate(&self) -> Result<()> {
        self.backend.migrate().await
    }

    async fn clear_runs(&self) -> Result<()> {
        let writes = sql::CLEAR_RUNS.into_iter().map(|s| Write::new(s, [])).collect();
        self.begin().await?.commit(writes).await.map(|_| ())
    }

    #[cfg(feature = "conformance")]
    async fn script(&self, sql: &str) -> Result<()> {
        let word = |word| self.backend.dialect().render(word);
        let sql = sql.replace("{id}", &word("{id}")).replace("{doc}", &word("{doc}"));
        self.backend.script(&sql).await
    }

    #[cfg(feature = "conformance")]
    async fn state(&self, root: StackRunId) -> Result<Run> {
        let rows = self.ask(sql::LOAD_ALL, vec![root.into()]).await?;
        Ok(Loaded::read(root, rows)?.run)
    }

    async fn check_invariants(&self) -> Result<Vec<String>> {
        invariants::check(self.begin().await?).await
    }
}
