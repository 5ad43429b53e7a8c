//! Turns of the code, committed the long way or as steps.

use tasker_core::{
    HostCall, Json,
    run::{
        End, Event, Request, RootState, Row, Run, Turn,
        step::{Made, Step},
    },
};
use tasker_store::{Advance, Ask};

use super::{Walk, leases, verbs::Done};
use crate::fixture::{doc, read, send};

impl Walk<'_> {
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

    /// The code went on: as a step where that suits.
    pub async fn went_on(&mut self, before: &Run, mut turn: Turn) -> Option<Done> {
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

/// An outcome of a call.
pub fn outcome(ok: bool) -> Result<Json, Json> {
    if ok { Ok(doc("1")) } else { Err(doc(r#"{"name":"Error"}"#)) }
}

fn ask(request: Request) -> Ask {
    match request {
        Request::Call { repeatable: true } => read(0),
        Request::Call { repeatable: false } => send(0),
        Request::Timer => Ask::Timer(0),
    }
}
