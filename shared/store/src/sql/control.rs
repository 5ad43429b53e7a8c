//! Statements of the verbs for people and deadlines.

/// A run's root and, below it, those of the open runs that its calls became; the deepest first.
pub const TREE: &str = "\
with recursive tree(root, run, depth) as ( \
  select id, parent_task_run_id, 0 from stack_runs where parent_task_run_id = $1 and kind = 'task' \
  union all \
  select n.id, n.parent_task_run_id, t.depth + 1 from tree t \
    join stack_runs c on c.parent_task_run_id = t.run and c.kind = 'call' \
      and c.status = 'suspended_waiting_child' \
    join stack_runs n on n.parent_stack_run_id = c.id and n.kind = 'task') \
select root from tree order by depth desc, root";

/// A run's root row.
pub const ROOT: &str = "select id from stack_runs where parent_task_run_id = $1 and kind = 'task'";

/// Forgets a call of the turn that is run again.
pub const FORGET_CHILD: &str = "delete from stack_runs where id = $1";

/// Opens an ended run again; with $2, on the newest version of its code.
pub const REOPEN_TASK: &str = "\
update task_runs set status = 'processing', result = null, error = null, logs = null, ended_at = null, \
  updated_at = {now}, version = case when $2 then coalesce((select f.version \
    from task_functions f where f.id = task_runs.task_function_id), version) else version end \
where id = $1";

/// A reopened run's time starts anew, or it has no limit any more.
pub const REOPEN_ROOT: &str = "\
update stack_runs set deadline = case when {int $2} is null then null else {after $2} end where id = $1";

/// The version of its code that a run keeps, and whether there is version $2.
pub const PINNED: &str = "\
select t.version, exists (select 1 from task_function_versions v \
  where v.task_function_id = t.task_function_id and v.version = $2) \
from task_runs t where t.id = $1";

/// Another version of its code.
pub const PIN: &str = "update task_runs set version = $2, updated_at = {now} where id = $1";

/// Runs whose time is over, and how long they had.
pub const OVERDUE: &str = "\
select parent_task_run_id, {ms deadline} - {ms created_at} from stack_runs \
where deadline <= {now} and kind = 'task' \
  and status in ('pending', 'processing', 'suspended_waiting_child', 'pending_resume') \
order by deadline limit 100";

/// Whether a root's time is over.
pub const IS_OVERDUE: &str = "select id from stack_runs where id = $1 and deadline <= {now}";

/// Calls that wait for a person, the longest first.
pub const ATTENTION: &str = "\
select c.id, c.parent_task_run_id, t.task_name, c.seq, c.service_name, c.method_name, \
  {text c.args}, c.attempt, c.crashes, {ms c.sent_at}, {ms c.updated_at} \
from stack_runs c join task_runs t on t.id = c.parent_task_run_id \
where c.status = 'needs_attention' order by c.updated_at, c.id limit $1";

/// A run that was submitted with this key.
pub const KEYED: &str = "\
select t.id, r.id, t.task_name, {text t.input} from task_runs t \
join stack_runs r on r.parent_task_run_id = t.id and r.kind = 'task' \
where t.idempotency_key = $1 and t.owner is not distinct from {text $2}";

/// The same of a tenant's runs.
pub const FULL_FOR_TENANT: &str = "\
select id from task_runs where tenant = $2 and status in ('pending', 'processing') limit 1 offset $1";

/// Answers a row when at least so many runs are open; reads no more index entries than that.
pub const FULL: &str = "\
select id from task_runs where status in ('pending', 'processing') limit 1 offset $1";

/// Runs that ended so long ago, the oldest first.
pub const PRUNABLE: &str = "\
select id from task_runs where ended_at < {after $1} order by ended_at limit $2 {skip}";

/// A run that ended.
pub const FORGETTABLE: &str =
    "select id from task_runs where id = $1 and ended_at is not null {lock}";

/// Runs that outlive the call which became them no longer name it. Then logs, calls and runs go.
pub const PRUNE: [&str; 6] = [
    "update task_runs set parent_stack_run_id = null where parent_stack_run_id in \
       (select id from stack_runs where parent_task_run_id in {ids $1} and kind = 'call')",
    "update stack_runs set parent_stack_run_id = null where kind = 'task' \
       and parent_stack_run_id in \
       (select id from stack_runs where parent_task_run_id in {ids $1} and kind = 'call')",
    "delete from task_logs where task_run_id in {ids $1}",
    "delete from request_answers where caller = '' and idempotency_key in \
       (select 'sr-' || id from stack_runs where parent_task_run_id in {ids $1} and kind = 'call')",
    "delete from stack_runs where parent_task_run_id in {ids $1}",
    "delete from task_runs where id in {ids $1}",
];
