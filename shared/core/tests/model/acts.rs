//! What may happen to a run next, and the event that it is.

use tasker_core::{
    Kind,
    run::{
        Child, ChildState, Death, End, Event, Lease, Loss, Owner, Request, Resolved, Row, Run,
        Teller, Turn,
    },
};

/// One thing the world does next; numbers pick among what is possible.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Claim(u8),
    ClaimAttention(u8),
    Release(u8),
    Abandon { pick: u8, in_flight: u8 },
    Isolate(u8),
    Lose { pick: u8, death: u8 },
    Advance { pick: u8, calls: u8, timers: u8, clear: bool, end: u8, keep: bool, ok: bool },
    OldCode(u8),
    Record { pick: u8, ok: bool },
    Stale(u8),
    Delegate(u8),
    NestedDone { pick: u8, ok: bool },
    Doubt(u8),
    Resolve { pick: u8, how: Resolved },
    Stop(End),
    Pause,
    Unpause,
    Retry,
    Upgrade,
}

impl Act {
    /// One for each number.
    pub fn of(n: u64) -> Self {
        let [kind, pick, a, b, c, d, e, _] = n.to_le_bytes();
        let (ok, odd) = (a % 2 == 0, b % 2 == 0);
        match kind % 32 {
            0..5 => Self::Claim(pick),
            5 => Self::ClaimAttention(pick),
            6 => Self::Release(pick),
            7 => Self::Abandon { pick, in_flight: a % 6 },
            8 => Self::Isolate(pick),
            9..12 => Self::Lose { pick, death: a % 6 },
            12..17 => Self::Advance {
                pick,
                calls: c % 3,
                timers: d % 2,
                clear: b % 4 < 2,
                end: e % 12,
                keep: odd,
                ok,
            },
            17..19 => Self::Record { pick, ok },
            19 => Self::Delegate(pick),
            20 => Self::NestedDone { pick, ok },
            21 => Self::Stale(pick),
            22 => Self::OldCode(pick),
            23 => Self::Doubt(pick),
            24 if odd => Self::Resolve { pick, how: Resolved::Again },
            24 => Self::Resolve { pick, how: Resolved::Outcome(ok) },
            25 => Self::Stop(if ok { End::Failed } else { End::Cancelled }),
            26 => Self::Pause,
            27 | 28 => Self::Unpause,
            29 | 30 => Self::Retry,
            _ => Self::Upgrade,
        }
    }

    /// What it is to a run; nothing if the run has no row for it. `old`: leases that were lost.
    pub fn event(self, run: &Run, old: &[(Row, Lease)]) -> Option<Event> {
        let upgrade = Event::Upgraded { deliveries: run.root.deliveries, calls: run.root.next_seq };
        Some(match self {
            Self::Stop(end) => Event::Stopped { end },
            Self::Pause => Event::Paused,
            Self::Unpause => Event::Unpaused,
            Self::Upgrade => upgrade,
            Self::Retry => Event::Retried,
            Self::Claim(n) => Event::Claimed { row: pick(&claimable(run), n)?, owner: "p".into() },
            Self::ClaimAttention(n) => {
                Event::AttentionClaimed { seq: pick(&waiting(run), n)?, owner: "ann".into() }
            }
            Self::Resolve { pick: n, how } => Event::Resolved { seq: pick(&waiting(run), n)?, how },
            Self::NestedDone { pick: n, ok } => {
                Event::Recorded { seq: pick(&nested(run), n)?, by: Teller::Nested, ok }
            }
            // Whoever comes back late.
            Self::Stale(n) => match pick(old, n)? {
                (Row::Child(seq), by) => Event::Recorded { seq, by: Teller::Holder(by), ok: true },
                (row, by) => Event::Released { row, by, after_ms: 0 },
            },
            Self::Lose { pick: n, death } => {
                let lost: Vec<_> = run.rows().filter(|row| run.held(*row).is_some()).collect();
                lose(run, pick(&lost, n)?, death)
            }
            _ => return self.by_holder(run),
        })
    }

    /// What a holder does.
    fn by_holder(self, run: &Run) -> Option<Event> {
        let held = leased(run);
        let children: Vec<_> = held
            .iter()
            .filter_map(|(row, by)| match row {
                Row::Child(seq) => Some((*seq, by.clone())),
                Row::Root => None,
            })
            .collect();
        let call = |(seq, _): &&(u32, Lease)| run.open[seq].kind == Kind::Call;
        let calls: Vec<_> = children.iter().filter(call).cloned().collect();
        Some(match self {
            Self::Release(n) => {
                let (row, by) = pick(&held, n)?;
                Event::Released { row, by, after_ms: 5 }
            }
            Self::Abandon { pick: n, in_flight } => {
                let (row, by) = pick(&held, n)?;
                Event::Abandoned { row, by, in_flight: in_flight.into(), after_ms: 5 }
            }
            Self::Isolate(n) => {
                let (row, by) = pick(&held, n)?;
                Event::Isolated { row, by }
            }
            Self::Record { pick: n, ok } => {
                let (seq, by) = pick(&children, n)?;
                Event::Recorded { seq, by: Teller::Holder(by), ok }
            }
            Self::Delegate(n) => {
                let (seq, by) = pick(&calls, n)?;
                Event::Delegated { seq, by }
            }
            Self::Doubt(n) => {
                let (seq, by) = pick(&calls, n)?;
                Event::Doubted { seq, by }
            }
            Self::Advance { pick: n, .. } => Event::Advanced(self.turn(run, pick(&held, n)?)),
            // An isolate that was made before the root's last claim comes back with an outcome.
            Self::OldCode(n) => {
                let (seq, by) = pick(&children, n)?;
                let turn = self.turn(run, (Row::Child(seq), by));
                Event::Advanced(Turn { made_at: Some(run.root.tries.epoch - 1), ..turn })
            }
            _ => return None,
        })
    }

    fn turn(self, run: &Run, (row, by): (Row, Lease)) -> Turn {
        let mut turn = Turn {
            row,
            by,
            deliveries: run.root.deliveries,
            calls: run.root.next_seq,
            made_at: Some(run.root.tries.epoch),
            delivered_ok: true,
            asked: vec![Request::Call { repeatable: true }],
            cleared: vec![],
            end: None,
            keep: None,
        };
        let Self::Advance { calls, timers, clear, end, keep, ok, .. } = self else { return turn };
        // Every third call must not be repeated blindly.
        let repeatable = |n: u8| (run.root.next_seq + u32::from(n)) % 3 != 2;
        let calls = (0..calls).map(|n| Request::Call { repeatable: repeatable(n) });
        turn.asked = calls.chain((0..timers).map(|_| Request::Timer)).collect();
        if clear {
            // The first thing asked for in this turn among it.
            turn.cleared = run.open.keys().copied().chain([run.root.next_seq]).collect();
        }
        turn.end = match end {
            0 => Some(End::Completed),
            1 => Some(End::Failed),
            _ => None,
        };
        turn.keep = keep.then(|| "p".to_owned());
        turn.delivered_ok = ok;
        turn
    }
}

fn lose(run: &Run, row: Row, death: u8) -> Event {
    let death = match death {
        0 | 1 => Death::Silent,
        2 => Death::CrashLoop,
        n => Death::Restarted { held: u32::from(n) - 2 },
    };
    let epoch = run.held(row).map_or(0, |(_, tries)| tries.epoch);
    Event::LeaseLost(Loss { row, epoch, death, spread: 7 })
}

fn pick<T: Clone>(from: &[T], n: u8) -> Option<T> {
    (!from.is_empty()).then(|| from[n as usize % from.len()].clone())
}

/// Rows that could be claimed.
pub fn claimable(run: &Run) -> Vec<Row> {
    run.rows().filter(|row| run.is_ready(*row)).collect()
}

/// Rows that somebody holds who has not given them up, with the leases.
pub fn leased(run: &Run) -> Vec<(Row, Lease)> {
    let lease = |row| {
        let (held, tries) = run.held(row)?;
        let Owner::Slot(owner) = held.owner.clone() else { return None };
        Some((row, Lease { epoch: tries.epoch, owner }))
    };
    run.rows().filter_map(lease).collect()
}

/// Calls that became runs.
pub fn nested(run: &Run) -> Vec<u32> {
    of(run, |child| child.state == ChildState::Delegated)
}

/// Calls that wait for a person.
pub fn waiting(run: &Run) -> Vec<u32> {
    of(run, |child| child.state == ChildState::NeedsAttention)
}

fn of(run: &Run, suits: impl Fn(&Child) -> bool) -> Vec<u32> {
    run.open.iter().filter(|(_, child)| suits(child)).map(|(seq, _)| *seq).collect()
}
