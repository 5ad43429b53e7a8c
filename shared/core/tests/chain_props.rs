//! Random walks over the state machine: whatever claims, crashes, results and task code do, no
//! reachable state is stuck, sequencing holds, and nothing ends twice.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tasker_core::{
    Kind, Status,
    chain::{
        AtEnd, Chain, Child, Effect, End, Event, Holder, Lease, Rejected, Resolved, Root,
        transition,
    },
};

/// One thing the world does next; numbers pick among what is possible.
#[derive(Clone, Debug)]
enum Act {
    Claim(u8),
    Expire(u8),
    Advance { pick: u8, calls: u8, timers: u8, clear: bool, end: u8, keep: bool, ok: bool },
    Record { pick: u8, ok: bool },
    Delegate(u8),
    NestedDone { pick: u8, ok: bool },
    Stale { pick: u8 },
    Unsure(u8),
    Resolve { pick: u8, how: Resolved },
    Stop(End),
    Pause,
    Unpause,
    Retry,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => any::<u8>().prop_map(Act::Claim),
        1 => any::<u8>().prop_map(Act::Expire),
        5 => (any::<u8>(), 0..3u8, 0..2u8, any::<bool>(), 0..12u8, any::<bool>(), any::<bool>())
            .prop_map(|(pick, calls, timers, clear, end, keep, ok)| Act::Advance { pick, calls, timers, clear, end, keep, ok }),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(pick, ok)| Act::Record { pick, ok }),
        1 => any::<u8>().prop_map(Act::Delegate),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(pick, ok)| Act::NestedDone { pick, ok }),
        1 => any::<u8>().prop_map(|pick| Act::Stale { pick }),
        1 => any::<u8>().prop_map(Act::Unsure),
        1 => (any::<u8>(), resolved()).prop_map(|(pick, how)| Act::Resolve { pick, how }),
        1 => prop_oneof![Just(End::Failed), Just(End::Cancelled)].prop_map(Act::Stop),
        1 => Just(Act::Pause),
        2 => Just(Act::Unpause),
        2 => Just(Act::Retry),
    ]
}

fn resolved() -> impl Strategy<Value = Resolved> {
    prop_oneof![any::<bool>().prop_map(Resolved::Outcome), Just(Resolved::Again)]
}

fn fresh() -> Chain {
    let root = Root {
        status: Status::Pending,
        waiting_on: None,
        lease: Lease::default(),
        deliveries: 0,
        next_seq: 0,
        paused: false,
        stopped: false,
    };
    Chain { root, open: BTreeMap::new() }
}

/// Rows that could be claimed: `None` is the root.
fn claimable(c: &Chain) -> Vec<Option<u32>> {
    let root = !c.root.paused && matches!(c.root.status, Status::Pending | Status::PendingResume);
    let children = c.open.iter().filter(|(_, x)| x.is_ready()).map(|(s, _)| Some(*s));
    root.then_some(None).into_iter().chain(children).collect()
}

fn leased(c: &Chain) -> Vec<Holder> {
    let root = (c.root.status == Status::Processing).then(|| Holder::Root(c.root.lease.clone()));
    let children = c.open.iter().filter(|(_, x)| x.status == Status::Processing);
    root.into_iter().chain(children.map(|(s, x)| Holder::Child(*s, x.lease.clone()))).collect()
}

fn nested(c: &Chain) -> Vec<u32> {
    let waits = |s| s == Status::SuspendedWaitingChild;
    c.open.iter().filter(|(_, x)| waits(x.status)).map(|(s, _)| *s).collect()
}

fn waiting(c: &Chain) -> Vec<u32> {
    let waits = |s| s == Status::NeedsAttention;
    c.open.iter().filter(|(_, x)| waits(x.status)).map(|(s, _)| *s).collect()
}

fn pick<T: Clone>(from: &[T], n: u8) -> Option<T> {
    (!from.is_empty()).then(|| from[n as usize % from.len()].clone())
}

struct World {
    chain: Chain,
    ended: BTreeMap<u32, Child>,
    finishes: u32,
    deliveries: u32,
    old: Vec<Holder>,
}

impl World {
    fn claim(&mut self, n: u8) {
        let Some(row) = pick(&claimable(&self.chain), n) else { return };
        let (status, lease) = match row {
            None => (&mut self.chain.root.status, &mut self.chain.root.lease),
            Some(seq) => {
                let Some(child) = self.chain.open.get_mut(&seq) else { return };
                (&mut child.status, &mut child.lease)
            }
        };
        *status = Status::Processing;
        *lease = Lease { epoch: lease.epoch + 1, owner: Some("p".into()) };
        if let Some(seq) = row
            && let Some(child) = self.chain.open.get_mut(&seq)
        {
            // Every third call must not be repeated blindly.
            child.unsure = child.kind == Kind::Call && seq % 3 == 2;
        }
    }

    /// A lease runs out on a call that may have been sent.
    fn unsure(&mut self, n: u8) {
        let held = leased(&self.chain);
        let sent = |h: &&Holder| matches!(h, Holder::Child(s, _) if self.chain.open[s].unsure);
        let held: Vec<_> = held.iter().filter(sent).cloned().collect();
        let Some(Holder::Child(seq, lease)) = pick(&held, n) else { return };
        self.old.push(Holder::Child(seq, lease.clone()));
        if let Some(child) = self.chain.open.get_mut(&seq) {
            child.status = Status::NeedsAttention;
            child.lease = Lease { epoch: lease.epoch + 1, owner: None };
        }
    }

    /// A retry is shown what the run's end cut off, and the last outcome.
    fn retry(&mut self) -> Result<(), TestCaseError> {
        let mut shown = self.chain.clone();
        let last = shown.root.deliveries.checked_sub(1);
        let matters = |c: &Child| c.at_end.is_some() || (last.is_some() && c.delivery == last);
        let ended = self.ended.iter().filter(|(_, c)| matters(c));
        shown.open.extend(ended.map(|(s, c)| (*s, c.clone())));
        let Ok((next, _)) = transition(&shown, Event::Retried) else {
            let done = matches!(self.chain.root.status, Status::Failed | Status::Cancelled);
            prop_assert!(!done, "a failed run could not be retried");
            return Ok(());
        };
        for (seq, was) in shown.open {
            self.ended.remove(&seq);
            let cut = was.at_end == Some(AtEnd::Cut) && was.unsure;
            let waits = |c: &Child| c.status == Status::NeedsAttention;
            prop_assert!(!cut || next.open.get(&seq).is_some_and(waits), "{seq} is sent again");
        }
        (self.finishes, self.deliveries) = (0, next.root.deliveries);
        for (seq, child) in next.open.iter().filter(|(_, c)| c.status.is_terminal()) {
            self.ended.insert(*seq, child.clone());
        }
        self.chain = next;
        self.chain.open.retain(|_, c| !c.status.is_terminal());
        let calls = self.chain.open.len() + self.ended.len();
        prop_assert_eq!(calls, self.chain.root.next_seq as usize, "calls are numbered gapless");
        let outcomes = self.ended.values().filter(|c| c.delivery.is_some()).count();
        prop_assert_eq!(outcomes, self.chain.root.deliveries as usize);
        Ok(())
    }

    fn event(&mut self, a: &Act) -> Option<Event> {
        let c = &self.chain;
        let callers = |h: &Holder| matches!(h, Holder::Child(s, _) if c.open[s].kind == Kind::Call);
        Some(match *a {
            Act::Claim(_) | Act::Unsure(_) | Act::Retry => return None,
            Act::Resolve { pick: n, how } => Event::Resolved { seq: pick(&waiting(c), n)?, how },
            Act::Stop(end) => Event::Stopped { end },
            Act::Pause => Event::Paused,
            Act::Unpause => Event::Unpaused,
            Act::Expire(n) => Event::Released { by: pick(&leased(c), n)? },
            Act::Record { pick: n, ok } => {
                let held: Vec<_> =
                    leased(c).into_iter().filter(|h| matches!(h, Holder::Child(..))).collect();
                Event::Recorded { by: pick(&held, n)?, ok }
            }
            Act::Delegate(n) => {
                let held: Vec<_> = leased(c).into_iter().filter(callers).collect();
                Event::Delegated { by: pick(&held, n)? }
            }
            Act::NestedDone { pick: n, ok } => {
                Event::Recorded { by: Holder::Nested(pick(&nested(c), n)?), ok }
            }
            Act::Stale { pick: n } => Event::Recorded { by: pick(&self.old, n)?, ok: true },
            Act::Advance { pick: n, calls, timers, clear, end, keep, ok } => {
                let asked =
                    [vec![Kind::Call; calls.into()], vec![Kind::Timer; timers.into()]].concat();
                // The first thing asked for in this turn among it.
                let all = c.open.keys().copied().chain([c.root.next_seq]);
                let cleared = if clear { all.collect() } else { vec![] };
                Event::Advanced {
                    by: pick(&leased(c), n)?,
                    deliveries: c.root.deliveries,
                    calls: c.root.next_seq,
                    delivered_ok: ok,
                    asked,
                    cleared,
                    end: match end {
                        0 => Some(End::Completed),
                        1 => Some(End::Failed),
                        _ => None,
                    },
                    keep: keep.then(|| "p".to_owned()),
                }
            }
        })
    }

    fn step(&mut self, a: &Act) -> Result<(), TestCaseError> {
        match a {
            Act::Claim(n) => {
                self.claim(*n);
                return Ok(());
            }
            Act::Unsure(n) => {
                self.unsure(*n);
                return Ok(());
            }
            Act::Retry => return self.retry(),
            _ => {}
        }
        let held = leased(&self.chain);
        let Some(event) = self.event(a) else { return Ok(()) };
        let stale = matches!(a, Act::Stale { .. });
        match transition(&self.chain, event) {
            Ok((next, effects)) => {
                prop_assert!(!stale, "a stale holder was obeyed");
                self.finishes +=
                    effects.iter().filter(|e| matches!(e, Effect::Finished(_))).count() as u32;
                let still = leased(&next);
                self.old.extend(held.into_iter().filter(|h| !still.contains(h)));
                self.take(next)?;
            }
            Err(Rejected::Deadlock | Rejected::Outdated | Rejected::Fenced) => {}
            Err(Rejected::Ended(_)) => prop_assert!(self.chain.root.status.is_terminal()),
            Err(other) => prop_assert!(false, "{other}"),
        }
        Ok(())
    }

    /// What ended leaves the open set, as in the store, and must never be seen to end again.
    fn take(&mut self, mut next: Chain) -> Result<(), TestCaseError> {
        prop_assert!(next.root.deliveries >= self.deliveries);
        for (seq, child) in &next.open {
            if child.status.is_terminal() {
                prop_assert!(self.ended.insert(*seq, child.clone()).is_none(), "{seq} ended twice");
                prop_assert_eq!(child.delivery.is_some(), child.status != Status::Cancelled);
            }
        }
        next.open.retain(|_, c| !c.status.is_terminal());
        self.deliveries = next.root.deliveries;
        self.chain = next;
        Ok(())
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let c = &self.chain;
        prop_assert!(self.finishes <= 1, "finished {} times", self.finishes);
        let running = c.open.values().filter(|x| x.is_active_call()).count();
        prop_assert!(running <= 1, "{running} calls of one run are active");
        if c.root.paused {
            prop_assert!(claimable(c).is_empty(), "a paused run can be claimed: {c:?}");
        }
        let (awake, _) = transition(c, Event::Unpaused).unwrap_or_else(|_| (c.clone(), vec![]));
        let active = claimable(&awake).len() + leased(c).len() + nested(c).len() + waiting(c).len();
        if c.root.status.is_terminal() {
            prop_assert!(c.open.is_empty(), "ended with open children");
        } else {
            prop_assert!(active > 0, "stuck: {c:?}");
        }
        prop_assert_eq!(
            c.root.status == Status::SuspendedWaitingChild,
            c.root.waiting_on.is_some()
        );
        prop_assert_eq!(c.root.status == Status::Processing, c.root.lease.owner.is_some());
        if let Some(seq) = c.root.waiting_on {
            prop_assert!(c.open.contains_key(&seq), "waits for a child that ended");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]
    #[test]
    fn no_reachable_state_is_stuck_or_ends_twice(acts in proptest::collection::vec(act(), 1..60)) {
        let mut world =
            World { chain: fresh(), ended: BTreeMap::new(), finishes: 0, deliveries: 0, old: vec![] };
        for a in &acts {
            world.step(a)?;
            world.check()?;
        }
    }
}
