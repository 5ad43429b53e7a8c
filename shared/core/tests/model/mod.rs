//! The state machine in a world where everything happens: claims, lost leases, results, late
//! holders, people. Used by the property test and, with a seed of its own, by the fault tests.

use std::collections::BTreeMap;

use tasker_core::{
    Kind, Status,
    chain::{
        AtEnd, Chain, Child, Effect, End, Event, Holder, Lease, Rejected, Resolved, Root, Rules,
        Turn, transition,
    },
};

macro_rules! ensure {
    ($holds:expr) => { ensure!($holds, "{}", stringify!($holds)) };
    ($holds:expr, $($why:tt)+) => { if !$holds { return Err(format!($($why)+)); } };
}

macro_rules! ensure_eq {
    ($a:expr, $b:expr $(, $why:literal)?) => {
        ensure!(($a) == ($b), "{} is {:?}, {} is {:?}", stringify!($a), $a, stringify!($b), $b)
    };
}

/// One thing the world does next; numbers pick among what is possible.
#[derive(Clone, Debug)]
pub enum Act {
    Claim(u8),
    Expire(u8),
    Advance { pick: u8, calls: u8, timers: u8, clear: bool, end: u8, keep: bool, ok: bool },
    Record { pick: u8, ok: bool },
    Delegate(u8),
    NestedDone { pick: u8, ok: bool },
    Stale { pick: u8 },
    Unsure(u8),
    Doubt(u8),
    Resolve { pick: u8, how: Resolved },
    Stop(End),
    Pause,
    Unpause,
    Retry,
    Upgrade,
    OldCode(u8),
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

/// One run and everybody who ever held it.
pub struct World {
    rules: Rules,
    chain: Chain,
    ended: BTreeMap<u32, Child>,
    finishes: u32,
    deliveries: u32,
    old: Vec<Holder>,
    /// Events that were given to the state machine, refused ones included.
    pub transitions: usize,
}

impl World {
    /// A run that was just submitted.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            chain: fresh(),
            ended: BTreeMap::new(),
            finishes: 0,
            deliveries: 0,
            old: vec![],
            transitions: 0,
        }
    }

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
    fn retry(&mut self) -> Result<(), String> {
        let mut shown = self.chain.clone();
        let last = shown.root.deliveries.checked_sub(1);
        let matters = |c: &Child| c.at_end.is_some() || (last.is_some() && c.delivery == last);
        let ended = self.ended.iter().filter(|(_, c)| matters(c));
        shown.open.extend(ended.map(|(s, c)| (*s, c.clone())));
        self.transitions += 1;
        let Ok((next, _)) = transition(&shown, Event::Retried, self.rules) else {
            let done = matches!(self.chain.root.status, Status::Failed | Status::Cancelled);
            ensure!(!done, "a failed run could not be retried");
            return Ok(());
        };
        for (seq, was) in shown.open {
            self.ended.remove(&seq);
            let cut = was.at_end == Some(AtEnd::Cut) && was.unsure;
            let waits = |c: &Child| c.status == Status::NeedsAttention;
            ensure!(!cut || next.open.get(&seq).is_some_and(waits), "{seq} is sent again");
        }
        (self.finishes, self.deliveries) = (0, next.root.deliveries);
        for (seq, child) in next.open.iter().filter(|(_, c)| c.status.is_terminal()) {
            self.ended.insert(*seq, child.clone());
        }
        self.chain = next;
        self.chain.open.retain(|_, c| !c.status.is_terminal());
        let calls = self.chain.open.len() + self.ended.len();
        ensure_eq!(calls, self.chain.root.next_seq as usize, "calls are numbered gapless");
        let outcomes = self.ended.values().filter(|c| c.delivery.is_some()).count();
        ensure_eq!(outcomes, self.chain.root.deliveries as usize);
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
            Act::Upgrade => {
                Event::Upgraded { deliveries: c.root.deliveries, calls: c.root.next_seq }
            }
            // An isolate that was made before the root's last claim comes back with an outcome.
            Act::OldCode(n) => {
                let held: Vec<_> =
                    leased(c).into_iter().filter(|h| matches!(h, Holder::Child(..))).collect();
                Event::Advanced(Turn {
                    by: pick(&held, n)?,
                    deliveries: c.root.deliveries,
                    calls: c.root.next_seq,
                    made_at: Some(c.root.lease.epoch - 1),
                    delivered_ok: true,
                    asked: vec![Kind::Call],
                    cleared: vec![],
                    end: None,
                    keep: None,
                })
            }
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
            Act::Doubt(n) => {
                let held: Vec<_> = leased(c).into_iter().filter(callers).collect();
                Event::Doubted { by: pick(&held, n)? }
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
                Event::Advanced(Turn {
                    by: pick(&leased(c), n)?,
                    deliveries: c.root.deliveries,
                    calls: c.root.next_seq,
                    made_at: Some(c.root.lease.epoch),
                    delivered_ok: ok,
                    asked,
                    cleared,
                    end: match end {
                        0 => Some(End::Completed),
                        1 => Some(End::Failed),
                        _ => None,
                    },
                    keep: keep.then(|| "p".to_owned()),
                })
            }
        })
    }

    /// Does one thing.
    pub fn step(&mut self, a: &Act) -> Result<(), String> {
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
        let stale = matches!(a, Act::Stale { .. } | Act::OldCode(_));
        let upgrade = matches!(a, Act::Upgrade);
        self.transitions += 1;
        match transition(&self.chain, event, self.rules) {
            Ok((next, effects)) => {
                ensure!(!stale, "a stale holder was obeyed");
                let waits = next.root.status == Status::SuspendedWaitingChild;
                ensure!(!upgrade || !waits, "an upgraded run waits for its old isolate");
                self.finishes +=
                    effects.iter().filter(|e| matches!(e, Effect::Finished(_))).count() as u32;
                let still = leased(&next);
                self.old.extend(held.into_iter().filter(|h| !still.contains(h)));
                self.take(next)?;
            }
            Err(Rejected::Deadlock | Rejected::Outdated | Rejected::Fenced) => {}
            Err(Rejected::Ended(_)) => ensure!(self.chain.root.status.is_terminal()),
            Err(Rejected::Busy) => {
                ensure!(upgrade && self.chain.root.status == Status::Processing);
            }
            Err(other) => ensure!(false, "{other}"),
        }
        Ok(())
    }

    /// What ended leaves the open set, as in the store, and must never be seen to end again.
    fn take(&mut self, mut next: Chain) -> Result<(), String> {
        ensure!(next.root.deliveries >= self.deliveries);
        for (seq, child) in &next.open {
            if child.status.is_terminal() {
                ensure!(self.ended.insert(*seq, child.clone()).is_none(), "{seq} ended twice");
                ensure_eq!(child.delivery.is_some(), child.status != Status::Cancelled);
            }
        }
        next.open.retain(|_, c| !c.status.is_terminal());
        self.deliveries = next.root.deliveries;
        self.chain = next;
        Ok(())
    }

    /// What must hold between any two things.
    pub fn check(&self) -> Result<(), String> {
        let c = &self.chain;
        ensure!(self.finishes <= 1, "finished {} times", self.finishes);
        let running = c.open.values().filter(|x| x.is_active_call()).count();
        ensure!(running <= 1, "{running} calls of one run are active");
        if c.root.paused {
            ensure!(claimable(c).is_empty(), "a paused run can be claimed: {c:?}");
        }
        let (awake, _) =
            transition(c, Event::Unpaused, self.rules).unwrap_or_else(|_| (c.clone(), vec![]));
        let active = claimable(&awake).len() + leased(c).len() + nested(c).len() + waiting(c).len();
        if c.root.status.is_terminal() {
            ensure!(c.open.is_empty(), "ended with open children");
        } else {
            ensure!(active > 0, "stuck: {c:?}");
        }
        ensure_eq!(c.root.status == Status::SuspendedWaitingChild, c.root.waiting_on.is_some());
        ensure_eq!(c.root.status == Status::Processing, c.root.lease.owner.is_some());
        if let Some(seq) = c.root.waiting_on {
            ensure!(c.open.contains_key(&seq), "waits for a child that ended");
        }
        Ok(())
    }
}
