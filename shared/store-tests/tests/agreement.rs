//! What the store writes is what the state machine decides: a run is moved at random through the
//! verbs, and after each its rows are those that the machine says. Claims and the steps of warm runs
//! among them, which are written without asking it.

use std::collections::BTreeMap;

use tasker_core::{
    StackRunId,
    run::{
        Child, ChildState, Ended, Event, Lease, Owner, Request, Row, Rules, Run, Turn, step::Step,
        transition,
    },
};
use tasker_store::{StorageAdapter, Submitted};

use crate::{acts::Act, fixture::start};

mod turns;
mod verbs;

/// Runs, and things that happen to each.
const RUNS: u64 = 24;
const ACTS: u64 = 150;

pub async fn the_store_writes_what_core_decides(store: &dyn StorageAdapter) {
    let mut seen = BTreeMap::<&str, u32>::new();
    for n in 0..RUNS {
        let mut walk = Walk::new(store, n).await;
        for _ in 0..ACTS {
            if let Some(what) = walk.step().await {
                *seen.entry(what).or_default() += 1;
            }
        }
        store.cancel(walk.run.task_run_id).await.ok();
    }
    let often = |what| seen.get(what).copied().unwrap_or_default() >= 5;
    let all = ["claim", "claim_row", "claim_attention", "step", "advance", "record", "release"];
    let more = ["abandon", "alone", "lost", "restarted", "doubt", "resolve", "cancel", "pause"];
    for what in all.into_iter().chain(more).chain(["unpause", "retry", "upgrade"]) {
        assert!(often(what), "hardly ever {what}: {seen:?}");
    }
}

pub async fn joined_steps_are_the_turns_they_join(store: &dyn StorageAdapter) {
    let mut walk = Walk::new(store, 1).await;
    let [safe, harmful] = [true, false].map(|repeatable| Request::Call { repeatable });
    walk.claimed(Row::Root).await;
    let first = walk.turn(Row::Root, &[harmful]).await;
    assert!(walk.advance(&first).await);
    let mut turn = walk.turn(Row::Child(0), &[]).await;
    let (mut joined, mut expected) = (None::<Step>, walk.state().await);
    // Only the last one may make more than one call.
    for asked in [vec![safe], vec![harmful], vec![Request::Timer, safe, harmful]] {
        turn.asked = asked;
        let step = walk.build(&turn).await;
        expected = merged(&expected, Event::Advanced(step.turn()));
        walk.ids.extend((step.calls..).zip(step.made.iter().map(|made| made.id)));
        turn = Turn {
            row: Row::Child(step.calls),
            by: Lease { epoch: 1, owner: turn.by.owner.clone() },
            deliveries: step.deliveries_after(),
            calls: step.calls_after(),
            delivered_ok: !turn.delivered_ok,
            ..turn
        };
        match &mut joined {
            None => joined = Some(step),
            Some(joined) => joined.join(step).unwrap(),
        }
    }
    let done = store.step(&[joined.unwrap()]).await.pop().unwrap();
    assert!(done.unwrap());
    assert_eq!(walk.state().await, expected);
}

/// One run that is moved at random.
struct Walk<'a> {
    store: &'a dyn StorageAdapter,
    run: Submitted,
    random: u64,
    /// Part of the name of holders: whoever died does not come back.
    life: u32,
    /// Rows of calls and timers.
    ids: BTreeMap<u32, StackRunId>,
    old: Vec<(Row, Lease)>,
}

impl<'a> Walk<'a> {
    async fn new(store: &'a dyn StorageAdapter, n: u64) -> Self {
        let run = start(store, "t").await;
        let random = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d;
        let life = u32::try_from(n).unwrap() * 1_000;
        Self { store, run, random, life, ids: BTreeMap::new(), old: Vec::new() }
    }

    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let n = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
    }

    fn slot(&self) -> String {
        format!("p{}", self.life)
    }

    /// What happens next. A run that is ended, paused and moved all the time hardly goes on.
    fn act(&mut self) -> Act {
        match Act::of(self.draw()) {
            Act::Stop(_) | Act::Pause | Act::Upgrade | Act::Retry
                if !self.draw().is_multiple_of(4) =>
            {
                let pick = self.draw().to_le_bytes()[0];
                let (clear, keep, ok) = (false, true, true);
                Act::Advance { pick, calls: 1, timers: 0, clear, end: 9, keep, ok }
            }
            act => act,
        }
    }

    async fn state(&self) -> Run {
        self.store.state(self.run.root_id).await.unwrap()
    }

    /// Does one thing and compares; answers what it was.
    async fn step(&mut self) -> Option<&'static str> {
        let act = self.act();
        let before = self.state().await;
        let shown = shown(&before, matches!(act, Act::Retry));
        let event = act.event(&shown, &self.old)?;
        let leases = leases(&before);
        let refused = transition(&shown, event.clone(), Rules::default()).is_err();
        let (what, events) = self.perform(&before, event).await?;
        let after = self.state().await;
        assert_eq!(refused, events.is_empty(), "{what}, {before:?}");
        let expected = events.iter().fold(before, |run, event| merged(&run, event.clone()));
        assert_eq!(after, expected, "{what}: {events:?}");
        let still = self::leases(&after);
        self.old.extend(leases.into_iter().filter(|lease| !still.contains(lease)));
        Some(what)
    }
}

/// What the machine is shown: what is open, and for a retry what that takes back.
fn shown(all: &Run, retry: bool) -> Run {
    let last = all.root.deliveries.checked_sub(1);
    let matters = |child: &Child| match child.state {
        ChildState::Ended(Ended::Cancelled(at_end)) => retry && at_end.is_some(),
        ChildState::Ended(Ended::Outcome { delivery, .. }) => retry && Some(delivery) == last,
        _ => true,
    };
    let open = all.open.iter().filter(|(_, child)| matters(child));
    Run { root: all.root.clone(), open: open.map(|(seq, child)| (*seq, child.clone())).collect() }
}

/// All rows of a run after an event.
fn merged(all: &Run, event: Event) -> Run {
    let shown = shown(all, event == Event::Retried);
    let (next, _) = transition(&shown, event.clone(), Rules::default())
        .unwrap_or_else(|refused| panic!("{event:?}: {refused}"));
    let mut open = all.open.clone();
    open.retain(|seq, _| !shown.open.contains_key(seq));
    open.extend(next.open);
    Run { root: next.root, open }
}

fn leases(run: &Run) -> Vec<(Row, Lease)> {
    let lease = |row| {
        let (held, tries) = run.held(row)?;
        let Owner::Slot(owner) = held.owner.clone() else { return None };
        Some((row, Lease { epoch: tries.epoch, owner }))
    };
    run.rows().filter_map(lease).collect()
}
