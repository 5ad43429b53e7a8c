//! Statements that load and write runs. What they write is decided by the state machine.

/// Locks a run: whoever changes it holds its root. A statement of its own, since one that waits
/// for a lock still reads as of its start and would miss the rows that were made meanwhile.
pub const LOCK_RUN: &str = "select id from stack_runs where id = $1 {lock}";

/// Locks those of these runs that nobody else works on this moment.
pub const LOCK_RUNS: &str = "select id from stack_runs where id in {ids $1} order by id {skip}";

/// Columns that [`Loaded::read`](crate::plan::Loaded::read) reads.
macro_rules! run_columns {
    () => {
        "id, parent_stack_run_id, parent_task_run_id, kind, seq, \
         service_name, method_name, {text args}, {text options}, idempotent, \
         status, runnable, epoch, lease_owner, aboard, attempt, crashes, blame, \
         sent_at is not null, delivery, at_end, deliveries, next_seq, \
         (select w.seq from stack_runs w where w.id = stack_runs.waiting_on_stack_run_id) "
    };
}

/// A run's root (locked by [`LOCK_RUN`]) and its open children, locked, root first. Two plain
/// index scans: an `or` of both becomes a scan of the whole table while that is small, or a bitmap
/// that visits every earlier version of every child.
pub const LOAD_RUN: &str = concat!(
    "with root as materialized (select ",
    run_columns!(),
    "from stack_runs where id = $1), children as materialized (select ",
    run_columns!(),
    "from stack_runs where parent_task_run_id = (select parent_task_run_id from root) \
     and kind <> 'task' and status in \
       ('pending', 'processing', 'suspended_waiting_child', 'pending_resume', 'needs_attention') \
     order by id {lock}) \
     select * from root union all select * from children"
);

/// A run's root, what its end cut off and its last outcome: what a retry takes back.
pub const LOAD_ENDED: &str = concat!(
    "select ",
    run_columns!(),
    "from stack_runs \
     where parent_task_run_id = (select r.parent_task_run_id from stack_runs r where r.id = $1) \
       and (id = $1 or at_end is not null \
         or delivery = (select r.deliveries - 1 from stack_runs r where r.id = $1)) \
     order by id {lock}"
);

/// All rows of a run, for tests.
#[cfg(feature = "conformance")]
pub const LOAD_ALL: &str = concat!(
    "select ",
    run_columns!(),
    "from stack_runs \
     where parent_task_run_id = (select r.parent_task_run_id from stack_runs r where r.id = $1) \
     order by id"
);

/// The root of the run that a row belongs to.
pub const ROOT_OF: &str = "\
select case kind when 'task' then id else parent_stack_run_id end from stack_runs where id = $1";

/// Writes a call's control columns, and its outcome when it has one.
pub const SAVE_CHILD: &str = "\
update stack_runs set status = {text $2}, runnable = $3, epoch = $4, lease_owner = {text $5}, \
  aboard = {int $6}, attempt = $7, crashes = $8, blame = $9, \
  sent_at = case when $10 then coalesce(sent_at, {now}) end, \
  delivery = {int $11}, at_end = {text $12}, ended_at = case when $13 then {now} end, \
  delivered_ms = {int $14}, result = {json $15}, error = {json $16}, \
  not_before = coalesce({after $17}, not_before), updated_at = {now} \
where id = $1";

/// Writes the root's control columns, and the run's outcome when it ended.
pub const SAVE_ROOT: &str = "\
update stack_runs set status = {text $2}, runnable = $3, epoch = $4, lease_owner = {text $5}, \
  aboard = {int $6}, attempt = $7, crashes = $8, blame = $9, \
  at_end = {text $10}, ended_at = case when $11 then {now} end, \
  waiting_on_stack_run_id = (select c.id from stack_runs c \
    where c.parent_task_run_id = stack_runs.parent_task_run_id and c.seq = {int $12}), \
  deliveries = $13, next_seq = $14, result = {json $15}, error = {json $16}, \
  not_before = coalesce({after $17}, not_before), executor = coalesce({text $18}, executor), \
  updated_at = {now} \
where id = $1";

/// Makes a call or timer.
pub const INSERT_CHILD: &str = "\
insert into stack_runs (id, parent_task_run_id, parent_stack_run_id, seq, kind, service_name, \
  method_name, args, options, idempotent, not_before, status, runnable, epoch, lease_owner, attempt, \
  sent_at, at_end, ended_at, share) \
values ({new_id}, $1, $2, $3, $4, $5, $6, {json $7}, {json $8}, $9, {after $10}, $11, $12, $13, \
  {text $14}, $15, case when $16 then {now} end, {text $17}, case when $18 then {now} end, \
  (select r.share from stack_runs r where r.id = $2)) \
returning id";

/// The run has begun.
pub const BEGIN_TASK: &str = "\
update task_runs set status = 'processing', updated_at = {now} where id = $1 and status = 'pending'";

/// The run ended.
pub const END_TASK: &str = "\
update task_runs set status = $2, result = {json $3}, error = {json $4}, logs = {logs}, \
  updated_at = {now}, ended_at = {now} where id = $1";

/// A line the task printed.
pub const INSERT_LOG: &str = "\
insert into task_logs (task_run_id, level, message, at_ms) values ($1, $2, $3, $4)";
