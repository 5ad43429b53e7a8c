//! What the keystore's calls leave in a run's journal is sealed at rest: the value that `getKey`
//! answered and the one that `setKey` was given. The code of the run gets them back in clear.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::value::RawValue;
use tasker_core::{
    HostCall, Json, StackRunId,
    call::{KEYSTORE, secret_args, secret_result},
    json,
    wire::Handed,
};
use tasker_seal::{Place, SealError};

use crate::{
    Result, TextError, Value,
    keys::MasterKeys,
    session::{Session, Write},
    types::RunImage,
    value::{Hidden, Row},
};

/// How a sealed document begins.
const SEALED: &str = "{\"$sealed\":\"tasker:";

#[derive(serde::Serialize, serde::Deserialize)]
struct Sealed {
    #[serde(rename = "$sealed")]
    text: String,
}

/// Arguments as they are stored.
pub fn args(root: StackRunId, seq: u32, call: &HostCall) -> Value {
    let secret = secret_args(&call.service, &call.method, call.args.get());
    column(secret, root, seq, "args", &call.args)
}

/// A result as it is stored.
pub fn result(root: StackRunId, seq: u32, call: &HostCall, result: &Json) -> Value {
    let (args, doc) = (call.args.get(), result.get());
    let secret = secret_result(&call.service, &call.method, args, doc);
    column(secret, root, seq, "result", result)
}

fn column(secret: bool, root: StackRunId, seq: u32, column: &'static str, doc: &Json) -> Value {
    if !secret {
        return doc.into();
    }
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
            if let Value::Secret(place, doc) = param {
                *param = Value::Text(self.document(place, &doc.0)?);
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

fn open(keys: &MasterKeys, place: &Place, doc: &mut Box<RawValue>) -> Result<()> {
    if let Some(sealed) = sealed_text(doc.get()) {
        let plain = keys.ring()?.open(place, &sealed)?;
        let broken = |_| SealError::Broken { place: place.to_string() };
        *doc = json::parse(plain.to_string()).map_err(broken)?;
    }
    Ok(())
}

/// Opens the arguments of a call that is handed to a processor. Those that do not open stay as
/// they are, and the keystore refuses them: the call fails, nothing else.
pub fn open_handed(keys: &MasterKeys, mut call: Handed) -> Handed {
    if call.service == KEYSTORE {
        let place = Place::Call { root: call.root_id.0, seq: call.seq, column: "args" };
        if let Err(error) = open(keys, &place, &mut call.args) {
            tracing::error!(%error, "a call's arguments cannot be opened");
        }
    }
    call
}

/// Opens what a run's code has seen of the keystore.
pub fn open_image(keys: &MasterKeys, root: StackRunId, image: &mut RunImage) -> Result<()> {
    let journal = &mut image.journal;
    for (seq, call) in (0..).zip(&mut journal.asked) {
        if call.service == KEYSTORE {
            let place = Place::Call { root: root.0, seq, column: "args" };
            open(keys, &place, &mut call.args)?;
        }
    }
    for delivery in journal.delivered.iter_mut().filter(|d| d.ok) {
        let call = journal.asked.get(delivery.seq as usize);
        if call.is_some_and(|call| call.service == KEYSTORE) {
            let place = Place::Call { root: root.0, seq: delivery.seq, column: "result" };
            open(keys, &place, &mut delivery.value)?;
        }
    }
    Ok(())
}
