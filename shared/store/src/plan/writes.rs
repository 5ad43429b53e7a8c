//! The rows that a plan writes.

use std::collections::BTreeMap;

use tasker_core::{
    HostCall, StackRunId, Status, TaskRunId,
    run::{Child, Root, Row, Run, Seq, step::Ask},
    wire::{Handed, LeaseRef},
};

use super::{Loaded, Plan, Values, columns::Columns};
use crate::{Value, session::Write, sql, types::Outcome, values};

/// From when on rows may be claimed, milliseconds from now.
pub type Due = BTreeMap<Row, i64>;

impl Loaded {
    /// The rows of calls and timers that an event changed, made or forgot.
    pub(super) fn save_children(&self, plan: &mut Plan, next: &Run, due: &Due, values: &Values) {
        let forgotten = self.calls.iter().filter(|(seq, _)| !next.open.contains_key(seq));
        plan.writes
            .extend(forgotten.map(|(_, row)| Write::new(sql::FORGET_CHILD, [row.id.into()])));
        // Ended rows first: the next call begins when the one before has ended.
        let mut rows: Vec<_> = next.open.iter().collect();
        rows.sort_by_key(|(seq, child)| {
            (!child.has_ended() || !self.calls.contains_key(seq), **seq)
        });
        for (seq, child) in rows {
            let columns = Columns::of_child(child, next.root.paused);
            if let Some(before) = self.run.open.get(seq) {
                let due = due.get(&Row::Child(*seq)).copied();
                let paused = self.run.root.paused;
                if due.is_some() || columns != Columns::of_child(before, paused) {
                    plan.writes.extend(self.save_child(*seq, &columns, due, values));
                }
            } else if let Some(ask) = self.asked(*seq, values.asked) {
                plan.made_at.push(plan.writes.len());
                plan.writes.push(self.insert(*seq, &columns, ask));
            }
        }
    }

    /// What a call that this turn made asks for.
    fn asked<'a>(&self, seq: Seq, asked: &'a [Ask]) -> Option<&'a Ask> {
        asked.get(seq.checked_sub(self.run.root.next_seq)? as usize)
    }

    /// Makes a call or timer.
    fn insert(&self, seq: Seq, columns: &Columns, ask: &Ask) -> Write {
        let mut row: Vec<Value> = vec![self.task_run_id.into(), self.root_id.into(), seq.into()];
        row.extend(values::asked(self.root_id, seq, ask));
        row.extend([
            columns.status.into(),
            columns.runnable.into(),
            columns.tries.epoch.into(),
            columns.lease_owner.clone().into(),
            columns.tries.attempt.into(),
            columns.sent.into(),
            columns.at_end.clone().into(),
            columns.status.is_terminal().into(),
        ]);
        Write::new(sql::INSERT_CHILD, row)
    }

    fn save_child(
        &self,
        seq: Seq,
        columns: &Columns,
        due: Option<i64>,
        values: &Values,
    ) -> Option<Write> {
        let row = self.calls.get(&seq)?;
        let settled = values.settled.iter().find(|settled| settled.seq == seq);
        let [result, error] = settled.map_or([Value::Null, Value::Null], |settled| {
            values::settled(self.root_id, seq, &row.call, settled.outcome)
        });
        let mut params: Vec<Value> = vec![row.id.into()];
        params.extend(columns.values());
        params.extend([
            columns.sent.into(),
            columns.delivery.into(),
            columns.at_end.clone().into(),
            columns.status.is_terminal().into(),
            settled.map(|settled| settled.at_ms).into(),
            result,
            error,
            due.into(),
        ]);
        Some(Write::new(sql::SAVE_CHILD, params))
    }

    pub(super) fn save_root(&self, root: &Root, due: Option<i64>, end: Option<&Outcome>) -> Write {
        let columns = Columns::of_root(root);
        // Nobody failed in a run that was not wanted any more.
        let end = end.filter(|_| columns.status != Status::Cancelled);
        let mut params: Vec<Value> = vec![self.root_id.into()];
        params.extend(columns.values());
        params.extend([
            columns.at_end.into(),
            columns.status.is_terminal().into(),
            columns.waiting_on.into(),
            columns.deliveries.into(),
            columns.next_seq.into(),
        ]);
        params.extend(values::ended(end));
        params.extend([due.into(), self.executor.as_deref().into()]);
        Write::new(sql::SAVE_ROOT, params)
    }

    /// A call that is leased to whoever asked for it.
    pub(super) fn handed(&self, seq: Seq, child: &Child, asked: &[Ask]) -> Option<Handed> {
        // The id of a new row is known once that is inserted.
        let (id, call) = match (self.calls.get(&seq), self.asked(seq, asked)) {
            (Some(row), _) => (row.id, &row.call),
            (None, Some(Ask::Call(call))) => (StackRunId(0), call),
            _ => return None,
        };
        let HostCall { service, method, args, options } = call.clone();
        let owner = Columns::of_child(child, false).lease_owner.unwrap_or_default();
        Some(Handed {
            lease: LeaseRef { id, epoch: child.tries.epoch, owner },
            root_id: self.root_id,
            task_run_id: self.task_run_id,
            seq,
            service,
            method,
            args,
            options,
            idempotent: child.repeatable,
            attempt: child.tries.attempt,
            crashes: child.tries.crashes,
            executor: self.executor.clone(),
        })
    }
}

pub fn end_task(id: TaskRunId, status: Status, end: &Outcome) -> Write {
    let [result, error] = values::ended(Some(end));
    Write::new(sql::END_TASK, [id.into(), status.into(), result, error])
}
