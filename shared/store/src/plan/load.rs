//! From the rows of a run to its state.

use std::collections::BTreeMap;

use tasker_core::{
    HostCall, Kind, StackRunId, TaskRunId,
    chain::{Chain, Child, Lease, Root},
};

use super::{CallRow, Loaded, writes};
use crate::{Result, StoreError, value::Row, verbs};

impl Loaded {
    /// Reads the rows of [`LOAD_CHAIN`](crate::sql::LOAD_CHAIN).
    pub fn read(root_id: StackRunId, rows: Vec<Row>) -> Result<Self> {
        let mut chain = None;
        let mut open = BTreeMap::new();
        let mut calls = BTreeMap::new();
        let (mut task_run_id, mut outer_call) = (TaskRunId(0), None);
        for mut r in rows {
            let id = StackRunId(r.int()?);
            let parent = r.maybe_int()?.map(StackRunId);
            let run = TaskRunId(r.int()?);
            let kind = Kind::parse(&r.text()?).ok_or_else(|| StoreError::Corrupt("kind".into()))?;
            let (seq, status, runnable) = (r.seq()?, r.status()?, r.bool()?);
            let lease = Lease { epoch: r.int()?, owner: r.maybe_text()? };
            let (deliveries, next_seq) = (r.count()?, r.count()?);
            let waiting_on = r.maybe_int()?.and_then(|n| u32::try_from(n).ok());
            let (service, method) = (r.text()?, r.text()?);
            let args = r.maybe_json()?.unwrap_or_else(tasker_core::json::null);
            let options = verbs::options(r.maybe_json()?)?;
            let (idempotent, attempt) = (r.bool()?, r.count()?);
            let delivery = r.maybe_int()?.and_then(|n| u32::try_from(n).ok());
            let (at_end, unsure) = (r.maybe_text()?, r.bool()? && !idempotent);
            if id == root_id {
                (task_run_id, outer_call) = (run, parent);
                let (paused, stopped) = (!runnable, at_end.is_some());
                let root =
                    Root { status, waiting_on, lease, deliveries, next_seq, paused, stopped };
                chain = Some(root);
            } else if parent == Some(root_id) {
                let at_end = at_end.and_then(|word| writes::at_end(&word));
                let child = Child { kind, status, runnable, lease, delivery, at_end, unsure };
                open.insert(seq, child);
                let call = HostCall { service, method, args, options };
                let row = CallRow { id, call, idempotent, attempt };
                calls.insert(seq, row);
            }
        }
        let root = chain.ok_or_else(|| StoreError::missing("stack run", root_id))?;
        let chain = Chain { root, open };
        Ok(Self { root_id, task_run_id, outer_call, executor: None, chain, calls })
    }
}
