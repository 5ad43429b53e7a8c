//! From the rows of a run to its state.

use std::collections::BTreeMap;

use tasker_core::{
    HostCall, Kind, StackRunId,
    call::CallOptions,
    json,
    run::{Lease, Rejected, Row, Run, Seq},
    wire::LeaseRef,
};

use super::{CallRow, Loaded, columns::Columns};
use crate::{Result, StoreError, value};

impl Loaded {
    /// Reads the rows of [`LOAD_RUN`](crate::sql::LOAD_RUN).
    pub fn read(root_id: StackRunId, rows: Vec<value::Row>) -> Result<Self> {
        let mut root = None;
        let mut open = BTreeMap::new();
        let mut calls = BTreeMap::new();
        for mut r in rows {
            let id = StackRunId(r.int()?);
            let (parent, run) = (r.maybe_int()?.map(StackRunId), r.int()?);
            let kind = Kind::parse(&r.text()?).ok_or_else(|| StoreError::Corrupt("kind".into()))?;
            let (seq, service, method) = (r.seq()?, r.text()?, r.text()?);
            let args = r.maybe_json()?.unwrap_or_else(json::null);
            let options = options(r.maybe_json()?)?;
            let idempotent = r.bool()?;
            let columns = Columns::read(&mut r)?;
            if id == root_id {
                root = Some((columns.root()?, run, parent));
            } else if parent == Some(root_id) {
                open.insert(seq, columns.child(kind, idempotent)?);
                let call = HostCall { service, method, args, options };
                calls.insert(seq, CallRow { id, call });
            }
        }
        let found = root.ok_or_else(|| StoreError::missing("stack run", root_id))?;
        let (root, task_run_id, outer_call) = (found.0, tasker_core::TaskRunId(found.1), found.2);
        let run = Run { root, open };
        Ok(Self { root_id, task_run_id, outer_call, executor: None, run, calls })
    }

    /// Which row this is.
    pub(super) fn row(&self, id: StackRunId) -> Result<Row> {
        if id == self.root_id {
            return Ok(Row::Root);
        }
        let found = self.calls.iter().find(|(_, c)| c.id == id).map(|(seq, _)| Row::Child(*seq));
        // Not among the open ones: it ended, so whoever asks has lost its lease.
        found.ok_or(StoreError::Rejected(Rejected::Fenced))
    }

    /// The number of a call or timer that somebody holds.
    pub(super) fn seq(&self, by: &LeaseRef) -> Result<Seq> {
        match self.row(by.id)? {
            Row::Child(seq) => Ok(seq),
            Row::Root if self.run.holds(Row::Root, &lease(by)) => Err(Rejected::NotACall.into()),
            Row::Root => Err(Rejected::Fenced.into()),
        }
    }

    pub(super) fn id(&self, row: Row) -> Option<StackRunId> {
        match row {
            Row::Root => Some(self.root_id),
            Row::Child(seq) => self.calls.get(&seq).map(|call| call.id),
        }
    }
}

/// A lease as the state machine knows it.
pub fn lease(by: &LeaseRef) -> Lease {
    Lease { epoch: by.epoch, owner: by.owner.clone() }
}

/// What a row says of how its call is to be made.
pub fn options(column: Option<tasker_core::Json>) -> Result<CallOptions> {
    let Some(text) = column else { return Ok(CallOptions::default()) };
    serde_json::from_str(text.get()).map_err(|e| StoreError::Corrupt(format!("options: {e}")))
}
