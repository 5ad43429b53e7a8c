//! Documents that are sealed at rest: a transaction seals those that are marked as secret, and
//! whoever reads them opens them.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::value::RawValue;
use tasker_core::{Json, StackRunId, json};
use tasker_seal::{Place, SealError};
use tasker_sql::{Hidden, Result, Row, Session, TextError, Value, Write};

use crate::MasterKeys;

/// How a sealed document begins.
const SEALED: &str = "{\"$sealed\":\"tasker:";

#[derive(serde::Serialize, serde::Deserialize)]
struct Sealed {
    #[serde(rename = "$sealed")]
    text: String,
}

/// A document of a call's row, marked to be sealed for its place (`column` is `args` or `result`).
pub fn secret_column(root: StackRunId, seq: u32, column: &'static str, doc: &Json) -> Value {
    Value::Secret(Place::Call { root: root.0, seq, column }, Hidden(doc.get().to_owned()))
}

/// A transaction that seals what is marked as secret on its way to the database.
pub struct Sealing<'a, S> {
    /// The transaction itself.
    pub inner: S,
    /// What it seals with.
    pub keys: &'a MasterKeys,
}

impl<S> Sealing<'_, S> {
    fn all(&self, writes: Vec<Write>) -> Result<Vec<Write>> {
        let sealed = |w: Write| Ok(Write { sql: w.sql, params: self.params(w.params)? });
        writes.into_iter().map(sealed).collect()
    }

    fn params(&self, mut params: Vec<Value>) -> Result<Vec<Value>> {
        for param in &mut params {
            match param {
                Value::Secret(place, doc) => *param = Value::Text(self.document(place, &doc.0)?),
                Value::List(list) => *list = self.params(std::mem::take(list))?,
                _ => {}
            }
        }
        Ok(params)
    }

    fn document(&self, place: &Place, doc: &str) -> Result<String> {
        match self.keys.ring() {
            Ok(ring) => Ok(json::of(&Sealed { text: ring.seal(place, doc)? }).get().to_owned()),
            // A run must not hang on it: the keystore itself takes no new secret without a key.
            Err(SealError::NoKey) => {
                warn_once();
                Ok(doc.to_owned())
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn warn_once() {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "no master key: what task code reads from the keystore is kept in clear in its run's \
             journal; set TASKER_MASTER_KEY"
        );
    }
}

impl<S: Session> Session for Sealing<'_, S> {
    async fn query(&mut self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>> {
        let params = self.params(params)?;
        self.inner.query(sql, params).await
    }

    async fn queries(&mut self, reads: Vec<Write>) -> Result<Vec<Vec<Row>>> {
        let reads = self.all(reads)?;
        self.inner.queries(reads).await
    }

    async fn query_text(
        &mut self,
        sql: String,
        params: Vec<Value>,
    ) -> std::result::Result<Vec<Row>, TextError> {
        self.inner.query_text(sql, params).await
    }

    async fn commit(self, writes: Vec<Write>) -> Result<Vec<Vec<Row>>> {
        let writes = self.all(writes)?;
        self.inner.commit(writes).await
    }

    async fn rollback(self) {
        self.inner.rollback().await;
    }
}

/// The sealed text of a document, if it is one.
pub fn sealed_text(doc: &str) -> Option<String> {
    if !doc.starts_with(SEALED) {
        return None;
    }
    serde_json::from_str::<Sealed>(doc).ok().map(|sealed| sealed.text)
}

/// The document that holds a sealed text.
pub fn document(text: String) -> Json {
    json::of(&Sealed { text })
}

/// Opens a document that was sealed for this place; any other stays as it is.
///
/// # Errors
/// There is no master key that opens it, or it was sealed for another place.
pub fn open(keys: &MasterKeys, place: &Place, doc: &mut Box<RawValue>) -> Result<()> {
    if let Some(sealed) = sealed_text(doc.get()) {
        let plain = keys.ring()?.open(place, &sealed)?;
        let broken = |_| SealError::Broken { place: place.to_string() };
        *doc = json::parse(plain.to_string()).map_err(broken)?;
    }
    Ok(())
}
