//! Plans for rows whose lease was lost.

use std::collections::BTreeSet;

use tasker_core::{
    Json, StackRunId, TaskError, json,
    run::{
        ChildState, Death, Effect, Ended, Event, Loss, Owner, Rejected, Row, Run, Seq, transition,
    },
};

use super::{Loaded, Plan, Settled, Values, columns::Columns, rules};
use crate::{Result, types::Outcome};

/// A row and its epoch under the lease that was lost.
pub type Held = (StackRunId, i64);

/// What became of the lost rows of one run.
pub struct Lost {
    loaded: Loaded,
    next: Run,
    effects: Vec<Effect>,
    /// How many rows were freed, given up or left to a person.
    pub rows: usize,
    /// Rows that are not tried any more, each with its error.
    given_up: Vec<(Row, Outcome)>,
}

impl Loaded {
    /// Rows that are leased now, with their holders.
    fn leased(&self) -> impl Iterator<Item = (Row, Held, &Owner)> {
        self.run.rows().filter_map(|row| {
            let (held, tries) = self.run.held(row)?;
            Some((row, (self.id(row)?, tries.epoch), &held.owner))
        })
    }

    /// Loses the leases of these rows, of whose holders nobody has heard.
    pub fn lose(self, silent: &BTreeSet<StackRunId>) -> Result<Lost> {
        let lost = self.leased().filter(|(_, (id, _), _)| silent.contains(id));
        let lost = lost.map(|(row, held, _)| (row, held)).collect();
        self.lose_all(lost, Death::Silent)
    }

    /// Loses those that the last process of a slot held when that died.
    pub fn lose_held(self, slot: &str, held: &BTreeSet<Held>, death: Death) -> Result<Lost> {
        let slot = Owner::Slot(slot.to_owned());
        let lost = self.leased().filter(|(_, row, owner)| **owner == slot && held.contains(row));
        let lost = lost.map(|(row, held, _)| (row, held)).collect();
        self.lose_all(lost, death)
    }

    fn lose_all(self, rows: Vec<(Row, Held)>, death: Death) -> Result<Lost> {
        let next = self.run.clone();
        let mut lost = Lost { loaded: self, next, effects: Vec::new(), rows: 0, given_up: vec![] };
        for (row, (id, epoch)) in rows {
            let event = Event::LeaseLost(Loss { row, epoch, death, spread: id.0 });
            let (next, effects) = match transition(&lost.next, event, rules()) {
                Ok(done) => done,
                // The row before it was given up, and the run with it.
                Err(Rejected::Fenced) => continue,
                Err(other) => return Err(other.into()),
            };
            for effect in &effects {
                if let Effect::GivenUp(row, crashes) = effect {
                    let error = lost.loaded.crash_loop(*row, *crashes);
                    lost.given_up.push((*row, Err(error)));
                }
            }
            lost.next = next;
            lost.effects.extend(effects);
            lost.rows += 1;
        }
        Ok(lost)
    }

    /// What is told of a row that is not tried any more.
    fn crash_loop(&self, row: Row, crashes: u32) -> Json {
        let mut error = TaskError::new(
            "CrashLoop",
            format!("given up: whoever worked on this died or hung {crashes} times in a row"),
        );
        let last = match row {
            Row::Root => Columns::of_root(&self.run.root).lease_owner,
            Row::Child(seq) => {
                let child = self.run.open.get(&seq);
                child.and_then(|child| Columns::of_child(child, false).lease_owner)
            }
        };
        error.details = Some(serde_json::json!({
            "stackRunId": self.id(row), "crashes": crashes, "lastHolder": last,
        }));
        json::of(&error)
    }
}

impl Lost {
    /// Whether the run above this one hears of it.
    pub fn reaches_above(&self) -> bool {
        self.loaded.outer_call.is_some() && self.next.root.has_ended()
    }

    /// The rows to write; `now_ms`: the task's clock where a call fails.
    pub fn plan(self, now_ms: i64) -> Plan {
        let mut values = Values::default();
        for (row, outcome) in &self.given_up {
            match row {
                Row::Child(seq) if self.has_outcome(*seq) => {
                    values.settled.push(Settled { seq: *seq, outcome, at_ms: now_ms });
                }
                _ => values.end = Some(outcome),
            }
        }
        let mut plan = self.loaded.plan(&self.next, self.effects.clone(), &values);
        plan.outer = self.loaded.outer_call.zip(values.end.cloned());
        plan
    }

    fn has_outcome(&self, seq: Seq) -> bool {
        let child = self.next.open.get(&seq);
        child.is_some_and(|c| matches!(c.state, ChildState::Ended(Ended::Outcome { .. })))
    }
}
