//! Secrets. A row of the keystore holds a sealed text, or names a secret of Supabase's Vault; rows
//! that somebody wrote by hand, or before there was sealing, are read as they are.

use tasker_seal::{Place, is_sealed};
use tasker_sql::{
    Backend, Dialect, Result, Row, Session, StoreError, Value, Write, granted, single,
};

use crate::{KeyInfo, MasterKeys, sql, vault};

/// The secrets of a database.
pub struct Keystore<'a, B> {
    /// The database.
    pub backend: &'a B,
    /// What they are sealed with.
    pub keys: &'a MasterKeys,
    /// They are sealed even where a Vault could keep them.
    pub no_vault: bool,
}

/// How often a secret may change under somebody who sets it.
const TRIES: usize = 20;

impl<B: Backend> Keystore<'_, B> {
    pub(crate) async fn ask(&self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>> {
        single(self.backend.begin().await?, sql, params).await
    }

    /// Whether there is a secret in `namespace`, or else in `global`; it is not opened.
    ///
    /// # Errors
    /// The database is gone.
    pub async fn has(&self, namespace: &str, name: &str) -> Result<bool> {
        let found = self.ask(sql::KEY_GET, vec![namespace.into(), name.into()]).await?;
        Ok(!found.is_empty())
    }

    /// Names of secrets, of one namespace or of all.
    ///
    /// # Errors
    /// The database is gone.
    pub async fn list(&self, namespace: Option<&str>) -> Result<Vec<KeyInfo>> {
        let key = |mut r: Row| Ok(KeyInfo { namespace: r.text()?, name: r.text()? });
        self.ask(sql::KEY_LIST, vec![namespace.into()]).await?.into_iter().map(key).collect()
    }

    /// A secret from `namespace`, else from `global`.
    ///
    /// # Errors
    /// It does not open, or the database is gone.
    pub async fn secret(&self, namespace: &str, name: &str) -> Result<Option<String>> {
        let found = self.ask(sql::KEY_GET, vec![namespace.into(), name.into()]).await?;
        let Some(mut row) = found.into_iter().next() else { return Ok(None) };
        let (namespace, value, version) = (row.text()?, row.text()?, row.int()?);
        if !is_sealed(&value) && vault::id_of(&value).is_none() {
            tracing::warn!(
                namespace,
                name,
                "this secret is in the database in clear: `tasker keystore rotate` seals it"
            );
        }
        self.opened(&namespace, name, value, version).await.map(Some)
    }

    /// What the value of a row stands for.
    pub(crate) async fn opened(
        &self,
        namespace: &str,
        name: &str,
        value: String,
        version: i64,
    ) -> Result<String> {
        if let Some(id) = vault::id_of(&value) {
            let mut s = self.backend.begin().await?;
            let value = vault::get(&mut s, id, (namespace, name)).await;
            return granted(s, value).await.map(|(_, value)| value);
        }
        if !is_sealed(&value) {
            return Ok(value);
        }
        let opened = self.keys.ring()?.open(&place(namespace, name, version), &value)?;
        Ok(opened.to_string())
    }

    /// Sets a secret, whatever it was.
    ///
    /// # Errors
    /// There is no master key, others set it all the time, or the database is gone.
    pub async fn set_secret(&self, namespace: &str, name: &str, value: &str) -> Result<()> {
        for _ in 0..TRIES {
            if self.put(namespace, name, value, None).await? {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable(format!("{namespace}/{name} is being set by many others")))
    }

    /// Sets a secret; false if it is not as expected (`version`), or others were faster.
    pub(crate) async fn put(
        &self,
        namespace: &str,
        name: &str,
        value: &str,
        expected: Option<i64>,
    ) -> Result<bool> {
        let mut s = self.backend.begin().await?;
        let made = self.stored(&mut s, (namespace, name), value, expected).await;
        let (s, made) = granted(s, made).await?;
        let Some((text, version)) = made else {
            s.rollback().await;
            return Ok(false);
        };
        let put: [Value; 4] = [namespace.into(), name.into(), text.into(), version.into()];
        let done = s.commit(vec![Write::new(sql::KEY_PUT, put)]).await?;
        Ok(done.first().is_some_and(|rows| !rows.is_empty()))
    }

    /// What the row is to hold, and its version then.
    async fn stored<S: Session>(
        &self,
        s: &mut S,
        key: (&str, &str),
        value: &str,
        expected: Option<i64>,
    ) -> Result<Option<(String, i64)>> {
        let vault = self.has_vault(s).await?;
        if vault {
            vault::take_turns(s, key).await?;
        }
        let found = s.query(sql::KEY_LOCK, vec![key.0.into(), key.1.into()]).await?;
        let before = found.into_iter().next().map(version_of).transpose()?.unwrap_or(0);
        if expected.is_some_and(|expected| expected != before) {
            return Ok(None);
        }
        let version = before + 1;
        let text = if vault {
            vault::put(s, key, value).await?
        } else {
            self.keys.ring()?.seal(&place(key.0, key.1, version), value)?
        };
        Ok(Some((text, version)))
    }

    /// Whether secrets are kept by a Vault.
    pub(crate) async fn has_vault<S: Session>(&self, s: &mut S) -> Result<bool> {
        if self.no_vault || self.backend.dialect() != Dialect::Postgres {
            return Ok(false);
        }
        vault::exists(s).await
    }

    /// Removes a secret, also from the Vault; false if there was none.
    ///
    /// # Errors
    /// The database is gone.
    pub async fn delete_secret(&self, namespace: &str, name: &str) -> Result<bool> {
        let key: Vec<Value> = vec![namespace.into(), name.into()];
        let mut s = self.backend.begin().await?;
        let forgotten = async {
            let found = s.query(sql::KEY_LOCK, key.clone()).await?;
            let Some(mut row) = found.into_iter().next() else { return Ok(()) };
            if let Some(id) = vault::id_of(&row.text()?) {
                vault::delete(&mut s, id, (namespace, name)).await?;
            }
            Ok(())
        }
        .await;
        let (s, ()) = granted(s, forgotten).await?;
        let gone = s.commit(vec![Write::new(sql::KEY_DELETE, key)]).await?;
        Ok(gone.first().is_some_and(|rows| !rows.is_empty()))
    }
}

fn version_of(mut row: Row) -> Result<i64> {
    row.text()?;
    row.int()
}

/// Where a secret is sealed for.
pub fn place(namespace: &str, name: &str, version: i64) -> Place {
    Place::Key { namespace: namespace.to_owned(), name: name.to_owned(), version }
}
