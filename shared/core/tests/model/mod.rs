//! The state machine in a world where everything happens: claims, lost leases, results, late
//! holders, people. Used by the property test and, with a seed of its own, by the fault tests.

mod acts;
mod check;

use std::collections::BTreeMap;

use tasker_core::run::{
    AtEnd, Child, ChildState, Effect, End, Ended, Event, Lease, Rejected, RootState, Row, Rules,
    Run, transition,
};

pub use acts::Act;
use acts::leased;
use check::{ensure, ensure_eq};

/// One run and everybody who ever held it.
pub struct World {
    rules: Rules,
    run: Run,
    ended: BTreeMap<u32, Child>,
    finishes: usize,
    /// Leases that rows lost since they last went on.
    lost: BTreeMap<Row, u32>,
    /// Leases that count no more.
    old: Vec<(Row, Lease)>,
    /// Events that were given to the state machine, refused ones included.
    pub transitions: usize,
}

impl World {
    /// A run that was just submitted.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            run: Run::new(),
            ended: BTreeMap::new(),
            finishes: 0,
            lost: BTreeMap::new(),
            old: vec![],
            transitions: 0,
        }
    }

    /// Does one thing.
    pub fn step(&mut self, act: Act) -> Result<(), String> {
        let before = if let Act::Retry = act { self.shown() } else { self.run.clone() };
        let Some(event) = act.event(&before, &self.old) else { return Ok(()) };
        self.transitions += 1;
        match transition(&before, event.clone(), self.rules) {
            Ok((next, effects)) => self.happened(act, &before, &event, next, &effects),
            Err(rejected) => self.refused(act, rejected),
        }
    }

    /// A retry is shown what the run's end cut off, and the last outcome.
    fn shown(&self) -> Run {
        let mut shown = self.run.clone();
        let last = shown.root.deliveries.checked_sub(1);
        let matters = |child: &Child| match child.state {
            ChildState::Ended(Ended::Cancelled(at_end)) => at_end.is_some(),
            ChildState::Ended(Ended::Outcome { delivery, .. }) => Some(delivery) == last,
            _ => false,
        };
        let ended = self.ended.iter().filter(|(_, child)| matters(child));
        shown.open.extend(ended.map(|(seq, child)| (*seq, child.clone())));
        shown
    }

    fn refused(&self, act: Act, rejected: Rejected) -> Result<(), String> {
        match rejected {
            Rejected::Deadlock | Rejected::Outdated | Rejected::Fenced => {
                let own = matches!(act, Act::Claim(_) | Act::Lose { .. } | Act::Release(_));
                ensure!(!own, "{act:?} was refused: {rejected}");
            }
            Rejected::Ended(_) => ensure!(self.run.root.has_ended()),
            Rejected::Busy => {
                ensure!(matches!(
                    (act, &self.run.root.state),
                    (Act::Upgrade, RootState::Leased(_))
                ));
            }
            Rejected::NotFailed(_) => {
                let state = &self.run.root.state;
                let failed =
                    matches!(state, RootState::Ended { how, .. } if *how != End::Completed);
                ensure!(!failed, "a failed run could not be retried");
            }
            other => ensure!(false, "{act:?}: {other}"),
        }
        Ok(())
    }

    fn happened(
        &mut self,
        act: Act,
        before: &Run,
        event: &Event,
        next: Run,
        effects: &[Effect],
    ) -> Result<(), String> {
        ensure!(!matches!(act, Act::Stale(_) | Act::OldCode(_)), "a stale holder was obeyed");
        if let Act::Upgrade = act {
            let waits = matches!(next.root.state, RootState::Waiting { .. });
            ensure!(!waits, "an upgraded run waits for its old isolate");
        }
        let lost = match event {
            Event::LeaseLost(loss) => {
                let lost = self.lost.entry(loss.row).or_default();
                *lost += 1;
                *lost
            }
            _ => 0,
        };
        check::change(before, event, &next, effects, lost)?;
        self.finishes += effects.iter().filter(|e| matches!(e, Effect::Finished(_))).count();
        let still = leased(&next);
        self.old.extend(leased(before).into_iter().filter(|lease| !still.contains(lease)));
        if let Act::Retry = act {
            return self.retried(before, next);
        }
        if let RootState::Waiting { .. } = next.root.state {
            self.lost.remove(&Row::Root);
        }
        self.take(next)
    }

    fn retried(&mut self, shown: &Run, next: Run) -> Result<(), String> {
        for (seq, was) in &shown.open {
            self.ended.remove(seq);
            let cut = was.state == ChildState::Ended(Ended::Cancelled(Some(AtEnd::Cut)));
            let waits = |child: &Child| child.state == ChildState::NeedsAttention;
            let asked = next.open.get(seq).is_some_and(waits);
            ensure!(!cut || !was.sent || asked, "{seq} is sent again");
        }
        self.finishes = 0;
        self.lost.retain(|row, _| match row {
            Row::Root => false,
            Row::Child(seq) => next.open.get(seq).is_some_and(|child| child.tries.crashes > 0),
        });
        self.keep(next);
        let calls = self.run.open.len() + self.ended.len();
        ensure_eq!(calls, self.run.root.next_seq as usize, "calls are numbered gapless");
        let outcome = |c: &&Child| matches!(c.state, ChildState::Ended(Ended::Outcome { .. }));
        ensure_eq!(self.ended.values().filter(outcome).count(), self.run.root.deliveries as usize);
        Ok(())
    }

    /// What ended must never be seen to end again.
    fn take(&mut self, next: Run) -> Result<(), String> {
        ensure!(next.root.deliveries >= self.run.root.deliveries);
        for (seq, _) in next.open.iter().filter(|(_, child)| child.has_ended()) {
            ensure!(!self.ended.contains_key(seq), "{seq} ended twice");
        }
        self.keep(next);
        Ok(())
    }

    /// What ended leaves the open set, as in the store.
    fn keep(&mut self, mut next: Run) {
        let ended = next.open.iter().filter(|(_, child)| child.has_ended());
        self.ended.extend(ended.map(|(seq, child)| (*seq, child.clone())));
        next.open.retain(|_, child| !child.has_ended());
        self.run = next;
    }

    /// What must hold between any two things.
    pub fn check(&self) -> Result<(), String> {
        ensure!(self.finishes <= 1, "finished {} times", self.finishes);
        check::state(&self.run, self.rules)
    }
}
