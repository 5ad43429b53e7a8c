//! Seals what is not sealed as it should be. Every change is made under the condition that nobody
//! else changed the row since it was read, so reading and writing go on meanwhile.

use tasker_core::{HostCall, Json, call, json};
use tasker_seal::{Keyring, Place, SealError, is_sealed};
use tasker_sql::{Backend, Result, Row, Session as _, StoreError, Value, Write};

use crate::{
    Keystore, Rotate, Rotation,
    keystore::place,
    sealing::{document, sealed_text},
    sql, vault,
};

/// What is to be changed, if anything is.
type Sealed<T> = std::result::Result<Option<T>, SealError>;

/// A row of the keystore.
struct Secret {
    id: i64,
    namespace: String,
    name: String,
    value: String,
    version: i64,
}

/// A call of the keystore in a run's journal.
struct Call {
    id: i64,
    root: i64,
    seq: u32,
    call: HostCall,
    result: Option<Json>,
    epoch: i64,
    status: String,
}

impl<B: Backend> Keystore<'_, B> {
    /// Looks through the keystore, then through the journals.
    ///
    /// # Errors
    /// There is no master key, or the database is gone. What was sealed stays so.
    pub async fn rotate(&self, which: Rotate) -> Result<Rotation> {
        let mut done = Rotation::default();
        let to_vault = {
            let mut s = self.backend.begin().await?;
            let vault = self.has_vault(&mut s).await;
            s.rollback().await;
            vault?
        };
        let mut after = 0;
        loop {
            let page = self.ask(sql::KEY_PAGE, vec![after.into()]).await?;
            let page = page.into_iter().map(secret).collect::<Result<Vec<_>>>()?;
            let Some(last) = page.last() else { break };
            after = last.id;
            self.rotate_secrets(page, which, to_vault, &mut done).await?;
        }
        if self.keys.ring().is_ok() {
            self.rotate_journals(which, &mut done).await?;
        }
        if done.sealed > 0
            && let Err(error) = self.backend.scrub().await
        {
            tracing::warn!(%error, "what was in clear may still be in the database's files");
        }
        Ok(done)
    }

    async fn rotate_secrets(
        &self,
        page: Vec<Secret>,
        which: Rotate,
        to_vault: bool,
        done: &mut Rotation,
    ) -> Result<()> {
        let mut writes = Vec::new();
        for row in page {
            if vault::id_of(&row.value).is_some() {
                continue;
            }
            let clear = !is_sealed(&row.value);
            if !clear && which == Rotate::Plain {
                continue;
            }
            if clear || to_vault {
                self.move_secret(row, clear, done).await?;
            } else {
                let at = place(&row.namespace, &row.name, row.version);
                match self.keys.ring()?.rewrap(&at, &row.value) {
                    Ok(Some(new)) => {
                        let change: [Value; 3] = [row.id.into(), row.value.into(), new.into()];
                        writes.push(Write::new(sql::KEY_REWRAP, change));
                    }
                    Ok(None) => {}
                    Err(error) => done.broken.push(error.to_string()),
                }
            }
        }
        let changed = self.backend.begin().await?.commit(writes).await?;
        done.rewrapped += changed.into_iter().filter(|rows| !rows.is_empty()).count();
        Ok(())
    }

    /// Sets a secret to the value it has, as secrets are kept now.
    async fn move_secret(&self, row: Secret, clear: bool, done: &mut Rotation) -> Result<()> {
        let Secret { namespace, name, value, version, .. } = row;
        let value = match self.opened(&namespace, &name, value, version).await {
            Ok(value) => value,
            Err(StoreError::Sealed(error)) => {
                done.broken.push(error.to_string());
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if self.put(&namespace, &name, &value, Some(version)).await? {
            *(if clear { &mut done.sealed } else { &mut done.rewrapped }) += 1;
        }
        Ok(())
    }

    async fn rotate_journals(&self, which: Rotate, done: &mut Rotation) -> Result<()> {
        let mut after = 0;
        loop {
            let page = self.ask(sql::CALL_PAGE, vec![after.into()]).await?;
            let page = page.into_iter().map(keystore_call).collect::<Result<Vec<_>>>()?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            let ring = self.keys.ring()?;
            let mut writes = Vec::new();
            for row in page {
                match row.resealed(&ring, which) {
                    Ok(Some(write)) => writes.push(write),
                    Ok(None) => {}
                    Err(error) => done.broken.push(error.to_string()),
                }
            }
            let changed = self.backend.begin().await?.commit(writes).await?;
            done.journal += changed.into_iter().filter(|rows| !rows.is_empty()).count();
        }
    }
}

impl Call {
    /// The change that seals it as it should be; `None` if it is.
    fn resealed(self, ring: &Keyring, which: Rotate) -> Sealed<Write> {
        let (service, method, args) = (&self.call.service, &self.call.method, self.call.args.get());
        let args_secret = call::secret_args(service, method, args);
        let new_args = self.column("args", Some(&self.call.args), args_secret, ring, which)?;
        let result_secret = self
            .result
            .as_ref()
            .is_some_and(|r| call::secret_result(service, method, args, r.get()));
        let new_result = self.column("result", self.result.as_ref(), result_secret, ring, which)?;
        if new_args.is_none() && new_result.is_none() {
            return Ok(None);
        }
        let change: [Value; 5] = [
            self.id.into(),
            new_args.unwrap_or(self.call.args).into(),
            new_result.or(self.result).into(),
            self.epoch.into(),
            self.status.into(),
        ];
        Ok(Some(Write::new(sql::CALL_REWRAP, change)))
    }

    fn column(
        &self,
        column: &'static str,
        doc: Option<&Json>,
        secret: bool,
        ring: &Keyring,
        which: Rotate,
    ) -> Sealed<Json> {
        let Some(doc) = doc else { return Ok(None) };
        let place = Place::Call { root: self.root, seq: self.seq, column };
        match sealed_text(doc.get()) {
            Some(_) if which == Rotate::Plain => Ok(None),
            Some(text) => Ok(ring.rewrap(&place, &text)?.map(document)),
            None if secret => Ok(Some(document(ring.seal(&place, doc.get())?))),
            None => Ok(None),
        }
    }
}

fn secret(mut r: Row) -> Result<Secret> {
    let (id, namespace, name) = (r.int()?, r.text()?, r.text()?);
    Ok(Secret { id, namespace, name, value: r.text()?, version: r.int()? })
}

fn keystore_call(mut r: Row) -> Result<Call> {
    let (id, root, seq) = (r.int()?, r.int()?, r.count()?);
    let (service, method) = (r.text()?, r.text()?);
    let args = r.maybe_json()?.unwrap_or_else(json::null);
    let call = HostCall::new(service, method, args);
    Ok(Call { id, root, seq, call, result: r.maybe_json()?, epoch: r.int()?, status: r.text()? })
}
