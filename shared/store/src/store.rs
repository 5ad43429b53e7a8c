//! The verbs over any [`Backend`]: what they share. Each trait's are in a file of their own.

mod data;
mod runs;
mod step;
mod tasks;

use tasker_secrets::{Keystore, MasterKeys, Sealing};

use crate::{
    Dialect, LEASE_MS, Result, Value,
    beats::Beats,
    journal::open_on_read,
    session::{Backend, Write},
    sql,
    types::Claimed,
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
