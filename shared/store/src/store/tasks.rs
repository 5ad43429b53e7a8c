//! Verbs of those who submit tasks, look at runs and act on them.

use async_trait::async_trait;
use tasker_core::{LogLine, StackRun, StackRunId, TaskFunction, TaskRun, TaskRunId};

use super::Store;
use crate::{
    Result, StoreError,
    adapter::{ControlStore, TaskStore},
    control::{self, Stop},
    rows,
    session::Backend,
    sql, submit,
    types::{
        Advanced, NewRun, Resolution, Retry, RunFilter, SubmitOptions, Submitted, Upgrade, Waiting,
    },
};

/// SQLSTATE of a second row where one may be.
const UNIQUE: &str = "23505";

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
