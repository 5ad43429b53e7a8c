//! The journal's edge: the one place where what the keystore's calls leave in rows is sealed on its
//! way in and opened on its way out: the value that `setKey` was given and the one that `getKey`
//! answered. The code of the run, and the keystore, get them in clear.
//!
//! **Invariant**: what a verb reads of the journal is [`AtRest`] until [`open_on_read`] gives it out.

use tasker_core::{
    HostCall, Json, StackRunId,
    call::{KEYSTORE, secret_args, secret_result},
    wire::Handed,
};
use tasker_seal::Place;
use tasker_secrets::{MasterKeys, open, secret_column};

use crate::{
    Result, Value,
    types::{Advanced, Claimed, RunImage},
};

/// Which document of a call's row.
pub enum Column<'a> {
    /// The call's own arguments.
    Args,
    /// What it answered.
    Result(&'a Json),
}

/// A document of a call as its row takes it: marked to be sealed if it is secret.
pub fn seal_for_write(root: StackRunId, seq: u32, call: &HostCall, column: Column<'_>) -> Value {
    let (service, method, args) = (&call.service, &call.method, call.args.get());
    let (secret, name, doc) = match column {
        Column::Args => (secret_args(service, method, args), "args", &call.args),
        Column::Result(doc) => (secret_result(service, method, args, doc.get()), "result", doc),
    };
    if secret { secret_column(root, seq, name, doc) } else { doc.into() }
}

/// What was read of the journal; its secrets may still be sealed.
#[derive(Debug)]
pub struct AtRest<T>(T);

impl<T> AtRest<T> {
    /// As it was read.
    pub fn new(read: T) -> Self {
        Self(read)
    }
}

/// What holds documents of the journal.
pub trait Journalled {
    /// Opens those that are sealed.
    fn open(&mut self, keys: &MasterKeys) -> Result<()>;
}

/// What was read, with its secrets in clear.
///
/// # Errors
/// The journal of a run holds something that does not open.
pub fn open_on_read<T: Journalled>(keys: &MasterKeys, AtRest(mut read): AtRest<T>) -> Result<T> {
    read.open(keys)?;
    Ok(read)
}

/// Arguments that do not open stay as they are, and the keystore refuses them: the call fails,
/// nothing else.
impl Journalled for Handed {
    fn open(&mut self, keys: &MasterKeys) -> Result<()> {
        if self.service == KEYSTORE {
            let place = Place::Call { root: self.root_id.0, seq: self.seq, column: "args" };
            if let Err(error) = open(keys, &place, &mut self.args) {
                tracing::error!(%error, "a call's arguments cannot be opened");
            }
        }
        Ok(())
    }
}

impl Journalled for Claimed {
    fn open(&mut self, keys: &MasterKeys) -> Result<()> {
        self.row.open(keys)
    }
}

impl Journalled for Advanced {
    fn open(&mut self, keys: &MasterKeys) -> Result<()> {
        self.next.as_mut().map_or(Ok(()), |next| next.open(keys))
    }
}

/// A run whose journal does not open cannot be resumed: its code would see something else.
impl Journalled for RunImage {
    fn open(&mut self, keys: &MasterKeys) -> Result<()> {
        let (root, journal) = (self.root_id.0, &mut self.journal);
        for (seq, call) in (0..).zip(&mut journal.asked) {
            if call.service == KEYSTORE {
                open(keys, &Place::Call { root, seq, column: "args" }, &mut call.args)?;
            }
        }
        for delivery in journal.delivered.iter_mut().filter(|d| d.ok) {
            let call = journal.asked.get(delivery.seq as usize);
            if call.is_some_and(|call| call.service == KEYSTORE) {
                let place = Place::Call { root, seq: delivery.seq, column: "result" };
                open(keys, &place, &mut delivery.value)?;
            }
        }
        Ok(())
    }
}
