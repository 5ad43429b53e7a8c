//! Events by the verbs that make them happen.

use tasker_core::{
    HostCall, Json, StackRunId,
    run::{
        Death, End, Event, Lease, Loss, Owner, Request, Resolved, RootState, Row, Rules, Run,
        Teller, Turn,
        step::{Made, Step},
        transition,
    },
    wire::LeaseRef,
};
use tasker_store::{Advance, Ask, Resolution, Retry, Upgrade};

use super::{Walk, leases, shown};
use crate::{
    fixture::{doc, read, send},
    recovery::handed_root,
};

/// What happened: the verb, and the events that it stands for; none if it was refused.
type Done = (&'static str, Vec<Event>);

impl Walk<'_> {
    /// Makes an event happen; nothing if this walk has no verb for it.
    pub async fn perform(&mut self, before: &Run, event: Event) -> Option<Done> {
        let (what, done) = match &event {
            Event::Claimed { row, .. } => return Some(self.claim(*row).await),
            Event::AttentionClaimed { seq, .. } => return Some(self.claim_attention(*seq).await),
            Event::Advanced(turn) => return self.went_on(before, turn.clone()).await,
            Event::LeaseLost(loss) => return Some(self.lose(before, *loss).await),
            // A run is ended once.
            Event::Stopped { .. } if before.root.has_ended() => return None,
            Event::Stopped { .. } => {
                self.store.cancel(self.run.task_run_id).await.unwrap();
                return Some(("cancel", vec![Event::Stopped { end: End::Cancelled }]));
            }
            Event::Recorded { .. }
            | Event::Released { .. }
            | Event::Abandoned { .. }
            | Event::Isolated { .. }
            | Event::Doubted { .. } => self.by_holder(&event).await?,
            // A call becomes a run by being submitted: other cases do that.
            Event::Delegated { .. } => return None,
            _ => self.by_person(&event).await?,
        };
        Some((what, if done { vec![event] } else { Vec::new() }))
    }

    async fn by_person(&mut self, event: &Event) -> Option<(&'static str, bool)> {
        let (store, run) = (self.store, self.run.task_run_id);
        Some(match event {
            Event::Resolved { seq, how } => {
                let how = match how {
                    Resolved::Again => Resolution::Again,
                    Resolved::Outcome(ok) => Resolution::Outcome(outcome(*ok)),
                };
                ("resolve", store.resolve(self.ids[seq], &how).await.is_ok())
            }
            Event::Paused => ("pause", store.pause(run, true).await.is_ok()),
            Event::Unpaused => ("unpause", store.pause(run, false).await.is_ok()),
            Event::Retried => ("retry", store.retry(run, Retry::default()).await.is_ok()),
            Event::Upgraded { deliveries, calls } => {
                let newer = store.publish("t", &format!("v{}", self.random), None).await.unwrap();
                let from = store.run(run).await.unwrap().unwrap().version.unwrap();
                let (deliveries, calls) = (*deliveries, *calls);
                let how = Upgrade { from, to: newer.version, deliveries, calls };
                ("upgrade", store.upgrade(run, how).await.is_ok())
            }
            _ => return None,
        })
    }

    async fn by_holder(&mut self, event: &Event) -> Option<(&'static str, bool)> {
        let store = self.store;
        Some(match event {
            Event::Recorded { seq, by: Teller::Holder(by), ok } => {
                let lease = self.lease_ref(Row::Child(*seq), by)?;
                ("record", store.record(&lease, &outcome(*ok), 1).await.is_ok())
            }
            Event::Released { row, by, after_ms } => {
                let mut handed = handed_root(self.lease_ref(*row, by)?);
                handed.root_id = self.run.root_id;
                ("release", store.release(&handed, *after_ms).await.is_ok())
            }
            Event::Abandoned { row, by, in_flight, after_ms } => {
                let lease = self.lease_ref(*row, by)?;
                ("abandon", store.abandon(&lease, *after_ms, *in_flight).await.unwrap())
            }
            Event::Isolated { row, by } => {
                ("alone", store.alone(&self.lease_ref(*row, by)?).await.unwrap())
            }
            Event::Doubted { seq, by } => {
                let lease = self.lease_ref(Row::Child(*seq), by)?;
                ("doubt", store.doubt(&lease).await.is_ok())
            }
            _ => return None,
        })
    }

    fn id(&self, row: Row) -> StackRunId {
        match row {
            Row::Root => self.run.root_id,
            Row::Child(seq) => self.ids[&seq],
        }
    }

    fn lease_ref(&self, row: Row, by: &Lease) -> Option<LeaseRef> {
        let id = match row {
            Row::Root => self.run.root_id,
            // A retry may have forgotten it.
            Row::Child(seq) => *self.ids.get(&seq)?,
        };
        Some(LeaseRef { id, epoch: by.epoch, owner: by.owner.clone() })
    }

    /// All pauses are over, and abandoned rows are lost.
    async fn wait(&self) {
        let due = "update stack_runs set not_before = created_at \
                   where status in ('pending', 'pending_resume', 'processing')";
        self.store.script(due).await.unwrap();
    }

    /// Claims this very row, or whichever comes next.
    async fn claim(&mut self, row: Row) -> Done {
        self.wait().await;
        let owner = self.slot();
        if self.draw().is_multiple_of(2) {
            self.store.claim_row(self.id(row), &owner).await.unwrap().expect("a ready row");
            return ("claim_row", vec![Event::Claimed { row, owner }]);
        }
        let id = self.store.claim(&owner).await.unwrap().expect("a ready row").row.lease.id;
        let seq = self.ids.iter().find(|(_, row)| **row == id).map(|(seq, _)| *seq);
        let row = seq.map_or(Row::Root, Row::Child);
        ("claim", vec![Event::Claimed { row, owner }])
    }

    async fn claim_attention(&mut self, seq: u32) -> Done {
        let owner = self.slot();
        self.store.claim_attention(self.ids[&seq], &owner).await.unwrap().unwrap();
        ("claim_attention", vec![Event::AttentionClaimed { seq, owner }])
    }

    /// Claims a row that is ready.
    pub async fn claimed(&mut self, row: Row) {
        self.store.claim_row(self.id(row), &self.slot()).await.unwrap().expect("a ready row");
    }

    /// The holder of a row dies: all that it holds is lost, and what was abandoned too.
    async fn lose(&mut self, before: &Run, loss: Loss) -> Done {
        self.wait().await;
        let owner = before.held(loss.row).unwrap().0.owner.clone();
        let held = |row: &Row| before.held(*row).is_some_and(|(held, _)| held.owner == owner);
        let restarted = match &owner {
            Owner::Slot(slot) if matches!(loss.death, Death::Restarted { .. }) => {
                Some(slot.clone())
            }
            _ => None,
        };
        if let (None, Owner::Slot(slot)) = (&restarted, &owner) {
            let dead = format!("update processors set alive_until = null where slot = '{slot}'");
            self.store.script(&dead).await.unwrap();
        }
        let mut events = Vec::new();
        let mut lose = |row, death| {
            let epoch = before.held(row).map_or(0, |(_, tries)| tries.epoch);
            events.push(Event::LeaseLost(Loss { row, epoch, death, spread: 0 }));
        };
        let nobody = |row: &Row| before.held(*row).is_some_and(|(h, _)| h.owner == Owner::Nobody);
        let mine: Vec<Row> = before.rows().filter(held).collect();
        let abandoned: Vec<Row> = before.rows().filter(nobody).collect();
        if restarted.is_some() {
            abandoned.iter().for_each(|row| lose(*row, Death::Silent));
            let all = u32::try_from(mine.len()).unwrap();
            mine.iter().for_each(|row| lose(*row, Death::Restarted { held: all }));
        } else {
            let lost = before.rows().filter(|row| held(row) || nobody(row));
            lost.for_each(|row| lose(row, Death::Silent));
        }
        self.life += 1;
        self.store.release_expired(restarted.as_deref()).await.unwrap();
        (if restarted.is_some() { "restarted" } else { "lost" }, counting(before, events))
    }

    /// A turn of the code that asks for these, under the lease on a row as it is now.
    pub async fn turn(&self, row: Row, asked: &[Request]) -> Turn {
        let run = self.state().await;
        let by = leases(&run).into_iter().find(|(held, _)| *held == row).unwrap().1;
        Turn {
            row,
            deliveries: run.root.deliveries,
            calls: run.root.next_seq,
            made_at: Some(run.root.tries.epoch),
            delivered_ok: true,
            asked: asked.to_vec(),
            cleared: vec![],
            end: None,
            keep: Some(by.owner.clone()),
            by,
        }
    }

    async fn went_on(&mut self, before: &Run, mut turn: Turn) -> Option<Done> {
        turn.keep = turn.keep.map(|_| turn.by.owner.clone());
        let open = before.open.values().filter(|child| !child.has_ended()).count();
        let calls = turn.asked.iter().any(|asked| *asked != Request::Timer);
        let suits = Step::suits(open, calls, &turn.cleared, turn.end.is_some())
            && turn.keep.is_some()
            && turn.made_at == Some(before.root.tries.epoch)
            && turn.row != Row::Root;
        if !suits {
            let done = self.advance(&turn).await;
            return Some(("advance", if done { vec![Event::Advanced(turn)] } else { vec![] }));
        }
        let step = self.build(&turn).await;
        assert_eq!(step.turn(), turn);
        if !self.store.step(std::slice::from_ref(&step)).await.pop().unwrap().unwrap() {
            // A paused run has no warm steps, nor one whose root is to be resumed.
            let waits = matches!(before.root.state, RootState::Waiting { .. });
            assert!(before.root.paused || !waits, "{before:?}");
            return None;
        }
        self.ids.extend((step.calls..).zip(step.made.iter().map(|made| made.id)));
        Some(("step", vec![Event::Advanced(turn)]))
    }

    /// Commits a turn the long way; false if it does not count.
    pub async fn advance(&mut self, turn: &Turn) -> bool {
        let delivered = (turn.row != Row::Root).then(|| (outcome(turn.delivered_ok), 5));
        let advance = Advance {
            root_id: self.run.root_id,
            by: self.lease_ref(turn.row, &turn.by).unwrap(),
            delivered,
            deliveries: turn.deliveries,
            calls: turn.calls,
            made_at: turn.made_at,
            asked: turn.asked.iter().map(|request| ask(*request)).collect(),
            cleared: turn.cleared.clone(),
            end: turn.end.map(|end| outcome(end == End::Completed)),
            keep: turn.keep.clone(),
            logs: Vec::new(),
            executor: None,
        };
        let Ok(done) = self.store.advance(&advance).await else { return false };
        self.ids.retain(|seq, _| *seq < turn.calls);
        self.ids.extend((turn.calls..).zip(done.made));
        true
    }

    /// The step that a turn is.
    pub async fn build(&self, turn: &Turn) -> Step {
        let Row::Child(seq) = turn.row else { panic!("a root's turn is no step") };
        let count = u32::try_from(turn.asked.len()).unwrap();
        let ids = self.store.reserve(count).await.unwrap();
        let first = turn.asked.iter().position(|asked| *asked != Request::Timer);
        let made = ids.into_iter().zip(&turn.asked).enumerate().map(|(n, (id, request))| Made {
            id,
            ask: ask(*request),
            leased: Some(n) == first,
            ended: None,
        });
        Step {
            root_id: self.run.root_id,
            task_run_id: self.run.task_run_id,
            root_epoch: turn.made_at.unwrap(),
            deliveries: turn.deliveries,
            calls: turn.calls,
            by: self.lease_ref(turn.row, &turn.by).unwrap(),
            call: HostCall::new("wrappedgapi", "echo", doc("[]")),
            seq,
            outcome: outcome(turn.delivered_ok),
            at_ms: 5,
            made: made.collect(),
            logs: Vec::new(),
        }
    }
}

/// Those of some losses that still happen once the ones before them have.
fn counting(before: &Run, events: Vec<Event>) -> Vec<Event> {
    let (mut run, mut counting) = (shown(before, false), Vec::new());
    for event in events {
        if let Ok((next, _)) = transition(&run, event.clone(), Rules::default()) {
            run = next;
            counting.push(event);
        }
    }
    counting
}

fn outcome(ok: bool) -> Result<Json, Json> {
    if ok { Ok(doc("1")) } else { Err(doc(r#"{"name":"Error"}"#)) }
}

fn ask(request: Request) -> Ask {
    match request {
        Request::Call { repeatable: true } => read(0),
        Request::Call { repeatable: false } => send(0),
        Request::Timer => Ask::Timer(0),
    }
}
