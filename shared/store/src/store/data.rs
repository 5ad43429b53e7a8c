//! Verbs on secrets, on the tables of task code and on the database itself.

use async_trait::async_trait;
use tasker_core::Json;
#[cfg(feature = "conformance")]
use tasker_core::{StackRunId, run::Run};

use super::Store;
#[cfg(feature = "conformance")]
use crate::plan::Loaded;
use crate::{
    Result,
    adapter::{DatabaseStore, SecretStore, TableStore},
    invariants,
    rest::{self, Answer, Asker, Known, Once, Query, QueryError},
    session::{Backend, Session, Write},
    sql,
    types::{KeyInfo, Rotate, Rotation},
};

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
