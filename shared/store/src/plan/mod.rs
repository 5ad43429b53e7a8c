//! From locked rows and a request to the rows to write: the store's use of the state machine.
//! No I/O here.

mod control;
mod load;
mod writes;

use std::collections::BTreeMap;

use tasker_core::{
    HostCall, StackRunId, TaskRunId,
    chain::{
        Chain, Child, Effect, End, Event, Holder, Lease, Rejected, Rules, Seq, Turn, transition,
    },
    wire::{Handed, LeaseRef},
};

use crate::{
    Result, StoreError, Value,
    session::Write,
    sql,
    types::{Advance, Advanced, Ask, Outcome},
};

/// A run's root and open children as loaded under the lock.
#[derive(Debug)]
pub struct Loaded {
    pub root_id: StackRunId,
    pub task_run_id: TaskRunId,
    /// The call of another run that waits for this run.
    pub outer_call: Option<StackRunId>,
    /// Address of the executor that keeps the isolate of the turn to be committed.
    pub executor: Option<String>,
    chain: Chain,
    calls: BTreeMap<Seq, CallRow>,
}

#[derive(Debug)]
struct CallRow {
    id: StackRunId,
    call: HostCall,
    idempotent: bool,
    attempt: u32,
}

/// Rows to write, and what to tell the caller once they are.
#[derive(Debug, Default)]
pub struct Plan {
    pub writes: Vec<Write>,
    pub reply: Advanced,
    /// Where in `writes` the inserted rows stand, in the order they were asked for.
    pub made_at: Vec<usize>,
    /// Index in `made_at` of the row handed on, if it is a new one.
    pub handed_new: Option<usize>,
    /// The run ended so, and the call above it waits for that.
    pub outer: Option<(StackRunId, Outcome)>,
}

/// Values that go with the control columns of one child.
struct Settled<'a> {
    seq: Seq,
    outcome: &'a Outcome,
    at_ms: i64,
}

/// Sizes of time a write needs, in milliseconds.
#[derive(Clone, Copy)]
pub struct Times {
    pub delay_ms: i64,
}

impl Loaded {
    fn holder(&self, by: &LeaseRef) -> Result<Holder> {
        let lease = Lease { epoch: by.epoch, owner: Some(by.owner.clone()) };
        if by.id == self.root_id {
            return Ok(Holder::Root(lease));
        }
        Ok(Holder::Child(self.seq_of(by.id)?, lease))
    }

    fn seq_of(&self, id: StackRunId) -> Result<Seq> {
        let found = self.calls.iter().find(|(_, c)| c.id == id).map(|(seq, _)| *seq);
        // Not among the open ones: it ended, so whoever asks has lost its lease.
        found.ok_or(StoreError::Rejected(Rejected::Fenced))
    }

    /// Task code ran to a quiet point.
    pub fn advance(mut self, a: &Advance, times: Times) -> Result<Plan> {
        self.executor.clone_from(&a.executor);
        let by = self.holder(&a.by)?;
        let settled = match (&by, &a.delivered) {
            (Holder::Child(seq, _), Some((outcome, at_ms))) => {
                Some(Settled { seq: *seq, outcome, at_ms: *at_ms })
            }
            _ => None,
        };
        let event = Event::Advanced(Turn {
            by,
            deliveries: a.deliveries,
            calls: a.calls,
            made_at: a.made_at,
            delivered_ok: settled.as_ref().is_some_and(|s| s.outcome.is_ok()),
            asked: a.asked.iter().map(Ask::kind).collect(),
            cleared: a.cleared.clone(),
            end: a.end.as_ref().map(|e| if e.is_ok() { End::Completed } else { End::Failed }),
            keep: a.keep.clone(),
        });
        let mut plan = self.write(event, settled, &a.asked, a.end.as_ref(), times)?;
        plan.writes.extend(a.logs.iter().map(|l| {
            // Postgres has no NUL in text; a line with one must not stop the run.
            let message = l.message.replace('\0', "\u{fffd}");
            let line: [Value; 4] =
                [self.task_run_id.into(), (&l.level).into(), message.into(), l.at_ms.into()];
            Write::new(sql::INSERT_LOG, line)
        }));
        // Logs first: the end of a run gathers them.
        let logs = a.logs.len();
        plan.writes.rotate_right(logs);
        plan.made_at.iter_mut().for_each(|i| *i += logs);
        plan.outer = self.outer_call.and_then(|call| Some((call, a.end.clone()?)));
        Ok(plan)
    }

    /// A call's outcome is known and no isolate was there to take it.
    pub fn record(self, by: &LeaseRef, outcome: &Outcome, at_ms: i64, t: Times) -> Result<Plan> {
        let Holder::Child(seq, lease) = self.holder(by)? else {
            return Err(StoreError::Rejected(Rejected::Fenced));
        };
        self.settle(Holder::Child(seq, lease), seq, outcome, at_ms, t)
    }

    /// The run below call `id` ended.
    pub fn nested(self, id: StackRunId, outcome: &Outcome, at_ms: i64, t: Times) -> Result<Plan> {
        let seq = self.seq_of(id)?;
        self.settle(Holder::Nested(seq), seq, outcome, at_ms, t)
    }

    fn settle(self, by: Holder, seq: Seq, o: &Outcome, at_ms: i64, t: Times) -> Result<Plan> {
        let settled = Settled { seq, outcome: o, at_ms };
        self.write(Event::Recorded { by, ok: o.is_ok() }, Some(settled), &[], None, t)
    }

    /// A holder gives its row back.
    pub fn release(self, by: &LeaseRef, times: Times) -> Result<Plan> {
        let by = self.holder(by)?;
        self.write(Event::Released { by }, None, &[], None, times)
    }

    /// Nobody will know whether the call happened.
    pub fn doubt(self, by: &LeaseRef, times: Times) -> Result<Plan> {
        let by = self.holder(by)?;
        self.write(Event::Doubted { by }, None, &[], None, times)
    }

    /// A call became a run of its own.
    pub fn delegate(self, by: &LeaseRef, times: Times) -> Result<Plan> {
        let by = self.holder(by)?;
        self.write(Event::Delegated { by }, None, &[], None, times)
    }

    fn write(
        &self,
        event: Event,
        settled: Option<Settled<'_>>,
        asked: &[Ask],
        end: Option<&Outcome>,
        times: Times,
    ) -> Result<Plan> {
        let rules = Rules { fenced: !tasker_fault::on("nofence") };
        let (next, effects) = transition(&self.chain, event, rules)?;
        let mut plan = Plan::default();
        self.save_children(&mut plan, &next, settled.as_ref(), asked, times);
        if next.root != self.chain.root {
            let executor = self.executor.as_deref();
            plan.writes.push(writes::save_root(self.root_id, &next.root, end, executor, times));
        }
        if let Some(end) = end {
            plan.writes.push(writes::end_task(self.task_run_id, next.root.status, end));
        } else if self.chain.root.next_seq == 0 && next.root.next_seq > 0 {
            plan.writes.push(Write::new(sql::BEGIN_TASK, [self.task_run_id.into()]));
        }
        for effect in effects {
            match effect {
                Effect::Wake => plan.reply.wake = true,
                Effect::Finished(_) => plan.reply.finished = true,
                Effect::Handed(seq) => {
                    plan.handed_new = seq.checked_sub(self.chain.root.next_seq).map(|i| i as usize);
                    plan.reply.next = self.handed(seq, &next.open[&seq], asked);
                }
            }
        }
        Ok(plan)
    }

    /// The rows of calls and timers that an event changed, made or forgot.
    fn save_children(
        &self,
        plan: &mut Plan,
        next: &Chain,
        settled: Option<&Settled>,
        asked: &[Ask],
        times: Times,
    ) {
        let forgotten = self.calls.iter().filter(|(seq, _)| !next.open.contains_key(seq));
        let forget = |(_, row): (_, &CallRow)| Write::new(sql::FORGET_CHILD, [row.id.into()]);
        plan.writes.extend(forgotten.map(forget));
        // Ended rows first: they leave the index that allows one active call a run.
        let mut rows: Vec<_> = next.open.iter().collect();
        rows.sort_by_key(|(seq, child)| {
            (!child.status.is_terminal() || !self.calls.contains_key(seq), **seq)
        });
        for (seq, child) in rows {
            if let (Some(row), Some(before)) = (self.calls.get(seq), self.chain.open.get(seq)) {
                if child != before {
                    let values = settled.filter(|s| s.seq == *seq);
                    let at = writes::not_before(before, child, times);
                    plan.writes.push(writes::save_child(self.root_id, row, child, values, at));
                }
            } else if let Some(ask) = asked.get((seq - self.chain.root.next_seq) as usize) {
                plan.made_at.push(plan.writes.len());
                plan.writes.push(self.insert(*seq, child, ask));
            }
        }
    }

    fn handed(&self, seq: Seq, child: &Child, asked: &[Ask]) -> Option<Handed> {
        let lease = |id| LeaseRef {
            id,
            epoch: child.lease.epoch,
            owner: child.lease.owner.clone().unwrap_or_default(),
        };
        let (root_id, task_run_id) = (self.root_id, self.task_run_id);
        if let Some(row) = self.calls.get(&seq) {
            return Some(Handed {
                lease: lease(row.id),
                root_id,
                task_run_id,
                seq,
                service: row.call.service.clone(),
                method: row.call.method.clone(),
                args: row.call.args.clone(),
                options: row.call.options.clone(),
                idempotent: row.idempotent,
                attempt: row.attempt + 1,
                crashes: 0,
                executor: self.executor.clone(),
            });
        }
        let Some(Ask::Call(call)) = asked.get((seq - self.chain.root.next_seq) as usize) else {
            return None;
        };
        Some(Handed {
            // The row's id is known once it is inserted.
            lease: lease(StackRunId(0)),
            root_id,
            task_run_id,
            seq,
            service: call.service.clone(),
            method: call.method.clone(),
            args: call.args.clone(),
            options: call.options.clone(),
            idempotent: call.is_idempotent(),
            attempt: 1,
            crashes: 0,
            executor: self.executor.clone(),
        })
    }
}
