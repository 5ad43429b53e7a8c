//! Commits steps of warm runs in groups: what comes while a commit is under way goes into the next
//! one together, and a step that somebody waits for waits for nobody. One that a call went ahead of
//! may wait a moment for others. Steps of one run that follow one another become one write.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use tasker_core::{StackRunId, run::step::Step};
use tasker_store::{Result, StorageAdapter, StoreError};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{Instant, timeout_at},
};

/// Most runs of one group.
const MOST: usize = 64;
/// Most calls that one run's part of a group makes.
const MOST_OF_A_RUN: usize = 64;
/// Numbers of rows that are reserved at once.
const NUMBERS: u32 = 256;

/// Steps of one run that calls went ahead of and that wait for no more: their commit goes on while
/// the run makes the next ones.
const PATIENT: usize = 4;
/// The longest that a step waits which a call went ahead of. What it delays is only what a crash
/// would make once more: calls that may be repeated.
const PATIENCE: Duration = Duration::from_millis(5);

/// A commit under way.
#[derive(Clone)]
pub struct Commit {
    done: Shared<BoxFuture<'static, Result<bool>>>,
    hurry: Arc<Notify>,
}

impl Commit {
    /// Its end, whenever it comes: whether the step counts.
    pub async fn done(self) -> Result<bool> {
        self.done.await
    }

    /// Its end, and somebody waits for it.
    pub async fn now(self) -> Result<bool> {
        self.hurry.notify_one();
        self.done.await
    }
}

struct Waiting {
    step: Step,
    tell: oneshot::Sender<Result<bool>>,
}

/// Takes steps and commits them. Cheap to clone.
#[derive(Clone)]
pub struct Committer {
    queue: mpsc::UnboundedSender<Waiting>,
    store: Arc<dyn StorageAdapter>,
    numbers: Arc<tokio::sync::Mutex<Vec<StackRunId>>>,
    hurry: Arc<Notify>,
}

impl Committer {
    /// A committer over `store`; it works as long as somebody holds it.
    pub fn start(store: Arc<dyn StorageAdapter>) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let hurry = Arc::new(Notify::new());
        tokio::spawn(work(store.clone(), waiting, hurry.clone()));
        Self { queue, store, numbers: Arc::default(), hurry }
    }

    /// Queues a step, behind those that came before. Somebody must ask for the end ([`Commit::now`])
    /// if it is not to wait for others.
    pub fn push(&self, step: Step) -> Commit {
        let (tell, told) = oneshot::channel();
        let gone = || StoreError::Unavailable("the committer has stopped".into());
        let _ = self.queue.send(Waiting { step, tell });
        let done = async move { told.await.unwrap_or_else(|_| Err(gone())) }.boxed().shared();
        Commit { done, hurry: self.hurry.clone() }
    }

    /// Numbers for rows of calls.
    pub async fn numbers(&self, count: usize) -> Result<Vec<StackRunId>> {
        let mut numbers = self.numbers.lock().await;
        if numbers.len() < count {
            let more = NUMBERS.max(u32::try_from(count).unwrap_or(NUMBERS));
            let mut more = self.store.reserve(more).await?;
            // Taken from the end: the smallest first.
            more.reverse();
            more.append(&mut numbers);
            *numbers = more;
        }
        let rest = numbers.len() - count;
        let mut taken = numbers.split_off(rest);
        taken.reverse();
        Ok(taken)
    }
}

async fn work(
    store: Arc<dyn StorageAdapter>,
    mut waiting: mpsc::UnboundedReceiver<Waiting>,
    hurry: Arc<Notify>,
) {
    let mut kept = None;
    loop {
        // What did not fit into the last group has waited long enough.
        let mut hurried = kept.is_some();
        let first = match kept.take() {
            Some(first) => first,
            None => match waiting.recv().await {
                Some(first) => first,
                None => return,
            },
        };
        let mut group = Group::default();
        kept = group.add(first);
        let until = Instant::now() + PATIENCE;
        while kept.is_none() {
            let next = match waiting.try_recv() {
                Ok(next) => Some(next),
                Err(_) if hurried || group.longest >= PATIENT => break,
                Err(_) => tokio::select! {
                    biased;
                    () = hurry.notified() => {
                        // Whoever hurries has queued its step before: it is taken in first.
                        hurried = true;
                        continue;
                    }
                    next = timeout_at(until, waiting.recv()) => next.ok().flatten(),
                },
            };
            let Some(next) = next else { break };
            kept = group.add(next);
        }
        late_on_purpose().await;
        let answers = store.step(&group.steps).await;
        for (answer, told) in answers.into_iter().zip(group.told) {
            told.into_iter().for_each(|tell| drop(tell.send(answer.clone())));
        }
    }
}

/// An experiment's pause: a call that went ahead of these steps is answered before they are written.
async fn late_on_purpose() {
    if tasker_fault::on("latestep") {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    }
}

/// Steps of different runs, and who waits for each.
#[derive(Default)]
struct Group {
    steps: Vec<Step>,
    told: Vec<Vec<oneshot::Sender<Result<bool>>>>,
    runs: HashMap<StackRunId, usize>,
    /// Most steps of one run.
    longest: usize,
}

impl Group {
    /// Takes a step in, or gives it back: the next group begins with it.
    fn add(&mut self, Waiting { step, tell }: Waiting) -> Option<Waiting> {
        let Some(&at) = self.runs.get(&step.root_id) else {
            if self.steps.len() >= MOST {
                return Some(Waiting { step, tell });
            }
            self.runs.insert(step.root_id, self.steps.len());
            self.steps.push(step);
            self.told.push(vec![tell]);
            self.longest = self.longest.max(1);
            return None;
        };
        if self.steps[at].made.len() >= MOST_OF_A_RUN {
            return Some(Waiting { step, tell });
        }
        match self.steps[at].join(step) {
            Ok(()) => {
                self.told[at].push(tell);
                self.longest = self.longest.max(self.told[at].len());
                None
            }
            Err(step) => Some(Waiting { step: *step, tell }),
        }
    }
}
