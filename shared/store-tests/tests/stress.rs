//! Processors that work on many runs at once, lose their leases, forget their isolates and come
//! back late. Whatever they do, every run ends with the right result.

use futures::future::join_all;
use tasker_core::{
    HostCall, Json, Kind, StackRunId, Status,
    journal::{Delivery, Journal},
    json,
    run::Rejected,
    wire::{Handed, LeaseRef},
};

use super::fixture::step;
use tasker_store::{Advanced, Ask, NewRun, Outcome, Result, RunFilter, StorageAdapter, StoreError};

const RUNS: usize = 12;
/// Calls and timers of a run, in rounds of three.
const ROUNDS: usize = 3;
const OUTER: &str = "outer";

pub async fn every_run_ends_right(store: &dyn StorageAdapter) {
    for name in [OUTER, "inner"] {
        store.publish(name, "1", None).await.unwrap();
    }
    for _ in 0..RUNS {
        let run = NewRun { name: OUTER.into(), input: json::null(), code: None, parent: None };
        store.submit(&run).await.unwrap();
    }
    join_all((0..5).map(|n| Processor::new(store, n).run())).await;
    let runs = store.runs(&RunFilter { limit: 1000, ..Default::default() }).await.unwrap();
    assert_eq!(runs.len(), RUNS * (1 + ROUNDS), "each nested run was made once");
    for run in runs {
        // An inner run's result is its number of outcomes; an outer one's call brings that.
        let expected = 3 * ROUNDS;
        assert_eq!(run.status, Status::Completed, "{run:?}");
        assert_eq!(run.result.unwrap().get(), expected.to_string());
    }
    assert_eq!(store.next_deadline().await.unwrap(), None);
}

/// The same while somebody cancels, retries and pauses runs at random and moves them to newer code:
/// whatever is abandoned is taken up again, and nothing is lost, swapped or done by two.
pub async fn people_interfere(store: &dyn StorageAdapter) {
    for name in [OUTER, "inner"] {
        store.publish(name, "1", None).await.unwrap();
    }
    for _ in 0..RUNS {
        let run = NewRun { name: OUTER.into(), input: json::null(), code: None, parent: None };
        store.submit(&run).await.unwrap();
    }
    let processors = || join_all((0..4).map(|n| Processor::beside_people(store, n).run()));
    futures::future::join(processors(), people(store)).await;
    // A run may have been taken up again after the last processor had found nothing more.
    processors().await;
    let runs = store.runs(&RunFilter { limit: 1000, ..Default::default() }).await.unwrap();
    assert_eq!(runs.len(), RUNS * (1 + ROUNDS), "each nested run was made once");
    for run in runs {
        assert_eq!(run.status, Status::Completed, "{run:?}");
        assert_eq!(run.result.unwrap().get(), (3 * ROUNDS).to_string());
    }
}

async fn people(store: &dyn StorageAdapter) {
    let mut dice = Dice(0x1234_5678_9abc_def1);
    for _ in 0..150 {
        let runs = store.runs(&RunFilter { limit: 1000, ..Default::default() }).await.unwrap();
        let open: Vec<_> = runs.iter().filter(|r| !r.status.is_terminal()).collect();
        if open.is_empty() {
            return;
        }
        dice.one_in(2);
        let id = open[dice.0 as usize % open.len()].id;
        let may_be_over = |r: Result<Advanced>| match r {
            Ok(_) => true,
            Err(StoreError::Rejected(Rejected::Ended(_))) => false,
            Err(other) => panic!("{other}"),
        };
        if dice.one_in(3) {
            upgrade(store, id).await;
        } else if dice.one_in(2) {
            if may_be_over(store.pause(id, true).await) {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                may_be_over(store.pause(id, false).await);
            }
        } else if may_be_over(store.cancel(id).await) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            // Those that were cancelled with it first: then none is left behind.
            revive(store).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

/// Moves a run to a version that makes the same calls, as a replay would find.
async fn upgrade(store: &dyn StorageAdapter, id: tasker_core::TaskRunId) {
    let run = store.run(id).await.unwrap().unwrap();
    let newest = store.function(&run.task_name).await.unwrap().unwrap().version;
    let newer = store.publish(&run.task_name, &newest.to_string(), None).await.unwrap();
    let root = store.stack_runs(id, 0, 1).await.unwrap()[0].id;
    let journal = store.image(root).await.unwrap().journal;
    let (deliveries, calls) = (journal.delivered.len() as u32, journal.asked.len() as u32);
    let from = run.version.unwrap_or_default();
    let how = tasker_store::Upgrade { from, to: newer.version, deliveries, calls };
    match store.upgrade(id, how).await {
        Ok(_)
        | Err(StoreError::Rejected(Rejected::Outdated | Rejected::Busy | Rejected::Ended(_))) => {}
        Err(other) => panic!("{other}"),
    }
}

/// Retries all that was cancelled, runs from above first: they take theirs up again.
async fn revive(store: &dyn StorageAdapter) {
    let cancelled =
        RunFilter { status: Some(Status::Cancelled), limit: 1000, ..Default::default() };
    let mut runs = store.runs(&cancelled).await.unwrap();
    runs.sort_by_key(|r| r.id);
    for run in runs {
        match store.retry(run.id, tasker_store::Retry::default()).await {
            // A processor was faster: the call above has taken it up.
            Ok(_) | Err(StoreError::Rejected(Rejected::NotFailed(_))) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

/// A small random number generator: the case must not depend on chance from outside.
struct Dice(u64);

impl Dice {
    fn one_in(&mut self, n: u64) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.is_multiple_of(n)
    }
}

/// What the code does next, given what it saw: all of its state is the journal.
struct Next {
    asked: Vec<Ask>,
    end: Option<Outcome>,
}

fn code(name: &str, journal: &Journal) -> Next {
    let (asked, seen) = (journal.asked.len(), journal.delivered.len());
    if seen < asked {
        return Next { asked: vec![], end: None };
    }
    if asked == 3 * ROUNDS {
        return Next { asked: vec![], end: Some(Ok(json::of(&seen))) };
    }
    let call = |service: &str| {
        let args = json::of(&[asked]);
        Ask::Call(HostCall::new(service, "get", args))
    };
    let first = if name == OUTER { call("tasks") } else { call("wrappedgapi") };
    Next { asked: vec![first, call("wrappedgapi"), Ask::Timer(asked as u64 % 2)], end: None }
}

struct Processor<'a> {
    store: &'a dyn StorageAdapter,
    slot: String,
    dice: Dice,
    /// A lease it lost, to come back with.
    lost: Option<LeaseRef>,
    /// People may take its rows away at any moment.
    people: bool,
}

impl<'a> Processor<'a> {
    fn new(store: &'a dyn StorageAdapter, n: u64) -> Self {
        let dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (n + 1));
        Self { store, slot: format!("slot-{n}"), dice, lost: None, people: false }
    }

    fn beside_people(store: &'a dyn StorageAdapter, n: u64) -> Self {
        Self { people: true, ..Self::new(store, n) }
    }

    async fn give_back(&self, row: &Handed, delay_ms: i64) {
        match self.store.release(row, delay_ms).await {
            Err(StoreError::Rejected(Rejected::Fenced)) if self.people => {}
            done => done.unwrap(),
        }
    }

    async fn run(mut self) {
        let open = |s: Status| RunFilter { status: Some(s), limit: 1, ..Default::default() };
        for _ in 0..20_000 {
            while let Some(claimed) = self.store.claim(&self.slot).await.unwrap() {
                self.work(claimed.kind, claimed.row).await;
            }
            // Others hold what is left, or timers: look again until all have ended.
            let mut left = 0;
            for status in [Status::Pending, Status::Processing] {
                left += self.store.runs(&open(status)).await.unwrap().len();
            }
            if left == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        let broken = self.store.check_invariants().await.unwrap();
        let open = self.store.runs(&open(Status::Processing)).await.unwrap();
        let rows = self.store.stack_runs(open[0].id, 0, 99).await.unwrap();
        panic!("stuck: {broken:?} {rows:#?}");
    }

    async fn work(&mut self, kind: Kind, row: Handed) {
        let mut now = Some((kind, row));
        while let Some((kind, row)) = now.take() {
            if self.dice.one_in(12) && self.may_die(&row).await {
                // Killed and started again; its call may have been made or not.
                self.lost = Some(row.lease);
                self.store.release_expired(Some(&self.slot)).await.unwrap();
                return;
            }
            if self.dice.one_in(12) {
                self.give_back(&row, 1).await;
                return;
            }
            now = match self.try_work(kind, &row).await {
                Ok(done) => done.next.map(|row| (Kind::Call, row)),
                Err(StoreError::Rejected(Rejected::Outdated)) => {
                    // The journal grew meanwhile: once more, by whoever comes first.
                    self.give_back(&row, 0).await;
                    None
                }
                Err(StoreError::Rejected(Rejected::Fenced)) if self.people => None,
                Err(other) => panic!("{kind:?} {row:?}: {other}"),
            };
            self.come_back_late().await;
        }
    }

    /// A third time in a row would be a crash loop, which is another case.
    async fn may_die(&self, row: &Handed) -> bool {
        self.store.stack_run(row.lease.id).await.unwrap().is_some_and(|r| r.crashes < 2)
    }

    async fn come_back_late(&mut self) {
        let Some(lease) = self.lost.take() else { return };
        let late = self.store.record(&lease, &Ok(json::of(&"late")), 1).await;
        assert!(matches!(late, Err(StoreError::Rejected(Rejected::Fenced))), "{late:?}");
    }

    async fn try_work(&mut self, kind: Kind, row: &Handed) -> Result<Advanced> {
        if kind == Kind::Task {
            return self.advance(row.root_id, &row.lease, None).await;
        }
        if row.service == "tasks" {
            let parent = Some(row.lease.clone());
            let run = NewRun { name: "inner".into(), input: json::null(), code: None, parent };
            let first = self.store.submit(&run).await?;
            if self.dice.one_in(3) {
                assert_eq!(self.store.submit(&run).await?, first);
            }
            return Ok(Advanced::default());
        }
        let result = json::of(&row.seq);
        if self.dice.one_in(4) {
            return self.store.record(&row.lease, &Ok(result), 1).await;
        }
        match self.advance(row.root_id, &row.lease, Some((row.seq, result.clone()))).await {
            // The isolate is behind: record the outcome for whoever resumes.
            Err(StoreError::Rejected(Rejected::Outdated)) => {
                self.store.record(&row.lease, &Ok(result), 1).await
            }
            other => other,
        }
    }

    async fn advance(
        &mut self,
        root: StackRunId,
        by: &LeaseRef,
        got: Option<(u32, Json)>,
    ) -> Result<Advanced> {
        let image = self.store.image(root).await?;
        let mut journal = image.journal;
        let seen = (journal.delivered.len() as u32, journal.asked.len() as u32);
        let mut next = step(root, by, seen, vec![]);
        if let Some((seq, value)) = got {
            next.delivered = Some((Ok(value.clone()), 1));
            journal.delivered.push(Delivery { seq, ok: true, value, at_ms: 1 });
        }
        let does = code(&image.name, &journal);
        (next.asked, next.end) = (does.asked, does.end);
        next.keep = (!self.dice.one_in(3)).then(|| self.slot.clone());
        self.store.advance(&next).await
    }
}
