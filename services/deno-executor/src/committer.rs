//! Commits steps of warm runs in groups: what comes while a commit is under way goes into the next
//! one together, and a step that comes alone waits for nobody. Steps of one run that follow one
//! another become one write.

use std::{collections::HashMap, sync::Arc};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use tasker_core::{StackRunId, run::step::Step};
use tasker_store::{Result, StorageAdapter, StoreError};
use tokio::sync::{mpsc, oneshot};

/// Most runs of one group.
const MOST: usize = 64;
/// Most calls that one run's part of a group makes.
const MOST_OF_A_RUN: usize = 64;
/// Numbers of rows that are reserved at once.
const NUMBERS: u32 = 256;

/// The end of a commit: whether the step counts.
pub type Commit = Shared<BoxFuture<'static, Result<bool>>>;

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
}

impl Committer {
    /// A committer over `store`; it works as long as somebody holds it.
    pub fn start(store: Arc<dyn StorageAdapter>) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(work(store.clone(), waiting));
        Self { queue, store, numbers: Arc::default() }
    }

    /// Queues a step, behind those that came before.
    pub fn push(&self, step: Step) -> Commit {
        let (tell, told) = oneshot::channel();
        let gone = || StoreError::Unavailable("the committer has stopped".into());
        let _ = self.queue.send(Waiting { step, tell });
        async move { told.await.unwrap_or_else(|_| Err(gone())) }.boxed().shared()
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

async fn work(store: Arc<dyn StorageAdapter>, mut waiting: mpsc::UnboundedReceiver<Waiting>) {
    let mut kept = None;
    loop {
        let first = match kept.take() {
            Some(first) => first,
            None => match waiting.recv().await {
                Some(first) => first,
                None => return,
            },
        };
        let mut group = Group::default();
        kept = group.add(first);
        while kept.is_none()
            && let Ok(next) = waiting.try_recv()
        {
            kept = group.add(next);
        }
        let answers = store.step(&group.steps).await;
        for (answer, told) in answers.into_iter().zip(group.told) {
            told.into_iter().for_each(|tell| drop(tell.send(answer.clone())));
        }
    }
}

/// Steps of different runs, and who waits for each.
#[derive(Default)]
struct Group {
    steps: Vec<Step>,
    told: Vec<Vec<oneshot::Sender<Result<bool>>>>,
    runs: HashMap<StackRunId, usize>,
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
            return None;
        };
        if self.steps[at].made.len() >= MOST_OF_A_RUN {
            return Some(Waiting { step, tell });
        }
        match self.steps[at].join(step) {
            Ok(()) => {
                self.told[at].push(tell);
                None
            }
            Err(step) => Some(Waiting { step: *step, tell }),
        }
    }
}
