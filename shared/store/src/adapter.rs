//! The verbs of the store: a trait for what each kind of service needs of it.
//!
//! Every method is one transaction; an error means that nothing was changed. Times are the
//! database's own, so the services' clocks may differ.

use async_trait::async_trait;
use tasker_core::{
    Json, LogLine, StackRun, StackRunId, TaskFunction, TaskRun, TaskRunId,
    run::step::Step,
    wire::{Handed, LeaseRef},
};

use crate::{
    Result, SlotGuard,
    rest::{Answer, Asker, Known, Once, Query, QueryError},
    types::{
        Advance, Advanced, Claimed, Held, KeyInfo, NewRun, Outcome, Resolution, Retry, Rotate,
        Rotation, RunFilter, RunImage, SubmitOptions, Submitted, Upgrade, Waiting,
    },
};

/// Rows on their way: leases, steps of runs, recovery.
#[async_trait]
pub trait RunStore: Send + Sync {
    /// Takes a slot's name for this process until the answer is dropped; an error if another live
    /// process has it. `None` where nobody else can have it, or nobody can tell.
    async fn hold_slot(&self, slot: &str) -> Result<Option<SlotGuard>>;
    /// Leases the ready row that has waited longest.
    async fn claim(&self, owner: &str) -> Result<Option<Claimed>>;
    /// Leases one row, if it is ready.
    async fn claim_row(&self, id: StackRunId, owner: &str) -> Result<Option<Claimed>>;
    /// The call that a commit under `lease` (of a call, or of the root) handed to the holder, if it
    /// still has it: for a holder who did not get the answer to that commit.
    async fn handed_by(&self, lease: &LeaseRef, root: StackRunId) -> Result<Option<Handed>>;
    /// Leases a call that is `needs_attention`, for a person who knows what became of it: then
    /// [`record`](Self::record) its outcome, or [`release`](Self::release) it to be sent again.
    async fn claim_attention(&self, id: StackRunId, owner: &str) -> Result<Option<Claimed>>;
    /// Everything needed to bring a run's code back to where it was.
    async fn image(&self, root: StackRunId) -> Result<RunImage>;
    /// Commits what task code did up to its suspension point: the delivered outcome, the calls it made,
    /// its end. Rejected if the lease was lost or the journal grew meanwhile.
    async fn advance(&self, advance: &Advance) -> Result<Advanced>;
    /// Records a call's outcome for a run whose isolate is gone; the run waits to be resumed. An
    /// outcome that the database does not take becomes a failure that says so.
    async fn record(&self, lease: &LeaseRef, outcome: &Outcome, at_ms: i64) -> Result<Advanced>;
    /// Gives a row back, to be claimed again after `delay_ms`.
    async fn release(&self, row: &Handed, delay_ms: i64) -> Result<()>;
    /// Commits steps of warm runs, all of them in one statement or transaction, and answers for
    /// each whether it counts: one that lost its race (false) changed nothing, and one that the
    /// database refuses fails alone. At most one step a run.
    async fn step(&self, group: &[Step]) -> Vec<Result<bool>>;
    /// Numbers for rows of calls to come.
    async fn reserve(&self, count: u32) -> Result<Vec<StackRunId>>;
    /// Says that a holder of leases lives, for [`LEASE_MS`](crate::LEASE_MS) from now on, and
    /// answers the rows it holds. A claim says so too, where that is due.
    async fn heartbeat(&self, owner: &str) -> Result<Vec<Held>>;
    /// Whether a lease is still its holder's.
    async fn holds(&self, lease: &LeaseRef) -> Result<bool>;
    /// Isolates of these runs are not kept any more by the executor at this address.
    async fn unpark(&self, roots: &[StackRunId], executor: &str) -> Result<()>;
    /// Whoever worked on it for this holder died: the lease counts as lost after `delay_ms`, as a
    /// crash of which `in_flight` rows share the blame. False if it was lost before.
    async fn abandon(&self, lease: &LeaseRef, delay_ms: i64, in_flight: u32) -> Result<bool>;
    /// The holder lets nothing else run where this row does: if the lease is lost now, nobody else
    /// is to blame. False if it was lost before.
    async fn alone(&self, lease: &LeaseRef) -> Result<bool>;
    /// The service does not know, and will not, whether the call happened: it waits for a person.
    async fn doubt(&self, lease: &LeaseRef) -> Result<Advanced>;
    /// Frees leases that ran out (at most 100 at a time) and, with `slot`, all those a previous
    /// process of that name held. Calls that must not be repeated blindly become
    /// `needs_attention`; a row that lost its third lease and bears enough of the blame
    /// ([`tasker_core::run::blame`]) fails with a `CrashLoop`, and so does its run if it is not a call.
    /// Runs whose time is over are ended. Answers how many rows.
    async fn release_expired(&self, slot: Option<&str>) -> Result<usize>;
    /// Milliseconds until a lease runs out or a row falls due (0: now); `None` if nothing is open.
    async fn next_deadline(&self) -> Result<Option<u64>>;
}

/// Tasks and their runs: submitted and read.
#[async_trait]
pub trait TaskStore: Send + Sync {
    /// Makes a run: a row of `task_runs` and its root row, ready to be claimed. For a parent call
    /// that already became a run, answers that one.
    async fn submit(&self, run: &NewRun) -> Result<Submitted> {
        self.submit_with(run, &SubmitOptions::default()).await
    }
    /// Makes a run as [`TaskStore::submit`] does, within the limits of `options`. Under a key that
    /// was used before, answers the run that was made then.
    async fn submit_with(&self, run: &NewRun, options: &SubmitOptions) -> Result<Submitted>;

    /// Publishes a task; changed code makes a new version. Answers it as it is now.
    async fn publish(&self, name: &str, code: &str, about: Option<&str>) -> Result<TaskFunction>;
    /// A published task with its code.
    async fn function(&self, name: &str) -> Result<Option<TaskFunction>>;
    /// Published tasks by name, without code.
    async fn functions(&self) -> Result<Vec<TaskFunction>>;

    /// A run.
    async fn run(&self, id: TaskRunId) -> Result<Option<TaskRun>>;
    /// Newest runs first.
    async fn runs(&self, filter: &RunFilter) -> Result<Vec<TaskRun>>;
    /// One row.
    async fn stack_run(&self, id: StackRunId) -> Result<Option<StackRun>>;
    /// Rows of a run above id `after`, `limit` at most.
    async fn stack_runs(&self, run: TaskRunId, after: i64, limit: u32) -> Result<Vec<StackRun>>;
    /// The newest `limit` lines a run printed, oldest first.
    async fn logs(&self, run: TaskRunId, limit: u32) -> Result<Vec<LogLine>>;
}

/// What people do to runs and to calls that wait for them.
#[async_trait]
pub trait ControlStore: TaskStore {
    /// Settles a call that is `needs_attention`, on a person's word.
    async fn resolve(&self, call: StackRunId, how: &Resolution) -> Result<Advanced>;
    /// Calls that are `needs_attention`, the longest first.
    async fn attention(&self, limit: u32) -> Result<Vec<Waiting>>;
    /// Ends a run as cancelled, and those its calls became. What is under way is abandoned: its
    /// outcome will not count. A run that was cancelled before stays so.
    async fn cancel(&self, run: TaskRunId) -> Result<Advanced>;
    /// Lets nobody claim rows of a run, and of those its calls became, until it is resumed
    /// (`paused` is false). What is under way ends.
    async fn pause(&self, run: TaskRunId, paused: bool) -> Result<Advanced>;
    /// A run that failed or was cancelled goes on from its last failed step, or from the end of
    /// its journal. Outcomes so far are kept.
    async fn retry(&self, run: TaskRunId, how: Retry) -> Result<Advanced>;
    /// An open run goes on on another version of its code, which a replay of its journal has
    /// tried. Rejected as outdated if the journal or the version is another by now, and as busy
    /// while the code runs.
    async fn upgrade(&self, run: TaskRunId, how: Upgrade) -> Result<Advanced>;
    /// Forgets at most `limit` runs that ended longer ago than this, with their calls and logs, and
    /// as many answers that were kept under callers' keys. Answers how many runs.
    async fn prune(&self, older_than_ms: i64, limit: u32) -> Result<usize>;
    /// Forgets one run, with its calls and logs, if it ended. Answers whether it did.
    async fn forget(&self, run: TaskRunId) -> Result<bool>;
}

/// Secrets.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// A secret from `namespace`, else from `global`.
    async fn key_get(&self, namespace: &str, name: &str) -> Result<Option<String>>;
    /// Whether [`key_get`](Self::key_get) would find one; it is not opened.
    async fn key_has(&self, namespace: &str, name: &str) -> Result<bool>;
    /// Sets a secret: sealed under the current master key, or kept by Supabase's Vault where that
    /// exists.
    async fn key_set(&self, namespace: &str, name: &str, value: &str) -> Result<()>;
    /// Removes a secret; false if there was none.
    async fn key_delete(&self, namespace: &str, name: &str) -> Result<bool>;
    /// Names of secrets, of one namespace or of all.
    async fn key_list(&self, namespace: Option<&str>) -> Result<Vec<KeyInfo>>;

    /// Puts a new master key in front of those in this process's key file.
    async fn key_renew(&self) -> Result<()>;
    /// Seals what is not sealed as it should be: secrets in clear, and with [`Rotate::All`] what is
    /// sealed under another master key than the current one, in the keystore and in the journals
    /// of runs. Others may read and write meanwhile.
    async fn key_rotate(&self, which: Rotate) -> Result<Rotation>;
}

/// Requests of task code on its own tables.
#[async_trait]
pub trait TableStore: Send + Sync {
    /// A request of task code on its own tables. Without `asker` the service role asks.
    async fn rest(
        &self,
        query: &Query,
        asker: Option<&Asker>,
    ) -> std::result::Result<Answer, QueryError> {
        self.rest_once(query, asker, None).await
    }
    /// Answers a request of task code. A change under a key is made once: what it was answered is
    /// kept in the transaction that makes it, and the same request gets that again and changes
    /// nothing.
    async fn rest_once(
        &self,
        query: &Query,
        asker: Option<&Asker>,
        once: Option<&Once>,
    ) -> std::result::Result<Answer, QueryError>;
    /// Says that a request is about to be passed on to somebody who knows no keys. It may be if
    /// nothing is known of it yet.
    async fn begin_sent(&self, once: &Once) -> std::result::Result<Known, QueryError>;
    /// What became of it: its answer, or nothing, and it may be sent again.
    async fn end_sent(
        &self,
        once: &Once,
        answer: Option<&Json>,
    ) -> std::result::Result<(), QueryError>;
}

/// The database as a whole.
#[async_trait]
pub trait DatabaseStore: Send + Sync {
    /// Brings the schema up to date.
    async fn migrate(&self) -> Result<()>;
    /// Forgets all runs; functions and secrets stay.
    async fn clear_runs(&self) -> Result<()>;
    /// Runs a script of a test; statements are parted by `;;`, since SQLite takes one at a time.
    #[cfg(feature = "conformance")]
    async fn script(&self, sql: &str) -> Result<()>;
    /// A run with all its rows, those that ended too, as the state machine sees it.
    #[cfg(feature = "conformance")]
    async fn state(&self, root: StackRunId) -> Result<tasker_core::run::Run>;
    /// What is wrong with the runs as they are now: nothing, unless there is a fault in the engine
    /// or somebody changed rows by hand. For tests and `tasker` itself.
    async fn check_invariants(&self) -> Result<Vec<String>>;
}

/// All of it: for programs that open a store and give each service its part.
pub trait StorageAdapter:
    RunStore + ControlStore + SecretStore + TableStore + DatabaseStore
{
}

impl<T: RunStore + ControlStore + SecretStore + TableStore + DatabaseStore> StorageAdapter for T {}
