//! Events by the verbs that make them happen.

use tasker_core::{
    StackRunId,
    run::{Death, End, Event, Lease, Loss, Owner, Resolved, Row, Rules, Run, Teller, transition},
    wire::LeaseRef,
};
use tasker_store::{Resolution, Retry, Upgrade};

use super::{Walk, shown, turns::outcome};
use crate::recovery::handed_root;

/// What happened: the verb, and the events that it stands for; none if it was refused.
pub type Done = (&'static str, Vec<Event>);

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

    pub fn lease_ref(&self, row: Row, by: &Lease) -> Option<LeaseRef> {
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
