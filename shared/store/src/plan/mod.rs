//! From locked rows and a request to the rows to write: the store's use of the state machine.
//! No I/O here.

mod columns;
mod control;
mod load;
mod lost;
mod writes;

use std::collections::BTreeMap;

use tasker_core::{
    HostCall, StackRunId, TaskRunId,
    run::{Effect, End, Event, Rejected, Row, Rules, Run, Seq, Teller, Turn, transition},
    wire::LeaseRef,
};

use crate::{
    Result,
    session::Write,
    sql,
    types::{Advance, Advanced, Ask, Outcome},
    values,
};
pub use columns::Columns;
use load::lease;
pub use load::options;
pub use lost::{Held, Lost};

/// A run's root and open children as loaded under the lock.
#[derive(Debug)]
pub struct Loaded {
    pub root_id: StackRunId,
    pub task_run_id: TaskRunId,
    /// The call of another run that waits for this run.
    pub outer_call: Option<StackRunId>,
    /// Address of the executor that keeps the isolate of the turn to be committed.
    pub executor: Option<String>,
    pub run: Run,
    calls: BTreeMap<Seq, CallRow>,
}

#[derive(Debug)]
struct CallRow {
    id: StackRunId,
    call: HostCall,
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

/// Values that go with the control columns that an event changes.
#[derive(Default)]
struct Values<'a> {
    /// Outcomes of calls and timers.
    settled: Vec<Settled<'a>>,
    /// What the code asked for.
    asked: &'a [Ask],
    /// How the run ended.
    end: Option<&'a Outcome>,
}

/// Values that go with the control columns of one child.
struct Settled<'a> {
    seq: Seq,
    outcome: &'a Outcome,
    at_ms: i64,
}

impl<'a> Values<'a> {
    fn settled(seq: Seq, outcome: &'a Outcome, at_ms: i64) -> Self {
        Self { settled: vec![Settled { seq, outcome, at_ms }], ..Self::default() }
    }
}

/// What the state machine insists on.
fn rules() -> Rules {
    Rules { fenced: !tasker_fault::on("nofence"), gives_up: !tasker_fault::on("nocrashlimit") }
}

impl Loaded {
    /// Task code ran to a suspension point.
    pub fn advance(mut self, a: &Advance) -> Result<Plan> {
        self.executor.clone_from(&a.executor);
        let row = self.row(a.by.id)?;
        let settled = match (row, &a.delivered) {
            (Row::Child(seq), Some((outcome, at_ms))) => {
                Some(Settled { seq, outcome, at_ms: *at_ms })
            }
            _ => None,
        };
        let event = Event::Advanced(Turn {
            row,
            by: lease(&a.by),
            deliveries: a.deliveries,
            calls: a.calls,
            made_at: a.made_at,
            delivered_ok: settled.as_ref().is_some_and(|s| s.outcome.is_ok()),
            asked: a.asked.iter().map(Ask::request).collect(),
            cleared: a.cleared.clone(),
            end: a.end.as_ref().map(|e| if e.is_ok() { End::Completed } else { End::Failed }),
            keep: a.keep.clone(),
        });
        let settled = settled.into_iter().collect();
        let values = Values { settled, asked: &a.asked, end: a.end.as_ref() };
        let mut plan = self.after(event, &values)?;
        let logs = a.logs.iter().map(|line| values::line(self.task_run_id, line));
        plan.writes.extend(logs.map(|line| Write::new(sql::INSERT_LOG, line)));
        // Logs first: the end of a run gathers them.
        let logs = a.logs.len();
        plan.writes.rotate_right(logs);
        plan.made_at.iter_mut().for_each(|i| *i += logs);
        plan.outer = self.outer_call.and_then(|call| Some((call, a.end.clone()?)));
        Ok(plan)
    }

    /// A call's outcome is known and no isolate was there to take it.
    pub fn record(self, by: &LeaseRef, outcome: &Outcome, at_ms: i64) -> Result<Plan> {
        let seq = self.seq(by)?;
        self.settle(seq, Teller::Holder(lease(by)), outcome, at_ms)
    }

    /// The run below call `id` ended.
    pub fn nested(self, id: StackRunId, outcome: &Outcome, at_ms: i64) -> Result<Plan> {
        let Row::Child(seq) = self.row(id)? else { return Err(Rejected::NotACall.into()) };
        self.settle(seq, Teller::Nested, outcome, at_ms)
    }

    fn settle(self, seq: Seq, by: Teller, outcome: &Outcome, at_ms: i64) -> Result<Plan> {
        let event = Event::Recorded { seq, by, ok: outcome.is_ok() };
        self.after(event, &Values::settled(seq, outcome, at_ms))
    }

    /// A holder gives its row back.
    pub fn release(self, by: &LeaseRef, after_ms: i64) -> Result<Plan> {
        self.bare(Event::Released { row: self.row(by.id)?, by: lease(by), after_ms })
    }

    /// Whoever worked on the row died.
    pub fn abandon(self, by: &LeaseRef, after_ms: i64, in_flight: u32) -> Result<Plan> {
        let (row, by) = (self.row(by.id)?, lease(by));
        self.bare(Event::Abandoned { row, by, in_flight, after_ms })
    }

    /// Nothing else runs where the row does.
    pub fn isolate(self, by: &LeaseRef) -> Result<Plan> {
        self.bare(Event::Isolated { row: self.row(by.id)?, by: lease(by) })
    }

    /// Nobody will know whether the call happened.
    pub fn doubt(self, by: &LeaseRef) -> Result<Plan> {
        self.bare(Event::Doubted { seq: self.seq(by)?, by: lease(by) })
    }

    /// A call became a run of its own.
    pub fn delegate(self, by: &LeaseRef) -> Result<Plan> {
        self.bare(Event::Delegated { seq: self.seq(by)?, by: lease(by) })
    }

    /// What an event without values leads to.
    fn bare(&self, event: Event) -> Result<Plan> {
        self.after(event, &Values::default())
    }

    fn after(&self, event: Event, values: &Values) -> Result<Plan> {
        let (next, effects) = transition(&self.run, event, rules())?;
        Ok(self.plan(&next, effects, values))
    }

    /// The rows in which `next` differs from the run as it was loaded.
    fn plan(&self, next: &Run, effects: Vec<Effect>, values: &Values) -> Plan {
        let mut plan = Plan::default();
        let due = effects.iter().filter_map(|effect| match effect {
            Effect::Due(row, ms) => Some((*row, *ms)),
            _ => None,
        });
        let due = due.collect();
        self.save_children(&mut plan, next, &due, values);
        if next.root != self.run.root || due.contains_key(&Row::Root) {
            let due = due.get(&Row::Root).copied();
            plan.writes.push(self.save_root(&next.root, due, values.end));
        }
        if let Some(end) = values.end {
            plan.writes.push(writes::end_task(self.task_run_id, next.root.status(), end));
        } else if self.run.root.next_seq == 0 && next.root.next_seq > 0 {
            plan.writes.push(Write::new(sql::BEGIN_TASK, [self.task_run_id.into()]));
        }
        for effect in effects {
            match effect {
                Effect::Wake => plan.reply.wake = true,
                Effect::Finished(_) => plan.reply.finished = true,
                Effect::Handed(seq) => {
                    plan.handed_new = seq.checked_sub(self.run.root.next_seq).map(|i| i as usize);
                    plan.reply.next = self.handed(seq, &next.open[&seq], values.asked);
                }
                Effect::Due(..) | Effect::GivenUp(..) => {}
            }
        }
        plan
    }
}
