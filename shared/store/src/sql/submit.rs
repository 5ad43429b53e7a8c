//! Statements that make runs.

/// The newest version of a published task.
pub const FIND_FUNCTION: &str = "select id, version from task_functions where name = $1";

/// A run.
pub const INSERT_TASK: &str = "\
insert into task_runs (task_function_id, version, task_name, input, status, parent_stack_run_id, \
  idempotency_key, owner, tenant) \
select {int $1}, {int $2}, {text $3}, {json $4}, 'pending', {int $5}, {text $6}, \
  coalesce({text $7}, above.owner), coalesce({text $8}, above.tenant) \
from (select 1) one left join (select t.owner, t.tenant from stack_runs c \
  join task_runs t on t.id = c.parent_task_run_id where c.id = {int $5}) above on true \
returning id";

/// The run that a call became.
pub const NESTED: &str = "\
select t.id, r.id, t.status, {text t.result} from task_runs t \
join stack_runs r on r.parent_task_run_id = t.id and r.kind = 'task' \
where t.parent_stack_run_id = $1";

/// A run's root row.
pub const INSERT_ROOT: &str = "\
insert into stack_runs (id, parent_task_run_id, parent_stack_run_id, kind, seq, service_name, \
  method_name, args, status, idempotent, vm_state, runnable, deadline, share) \
values ({new_id}, $1, {int $2}, 'task', -1, 'deno-executor', 'execute', {json $3}, 'pending', true, {json $4}, \
  $5, case when {int $6} is null then null else {after $6} end, \
  coalesce((select c.share from stack_runs c where c.id = {int $2}), {int $7})) \
returning id";

/// Tells every processor, once the transaction commits, that a run was made. A hint: who does not
/// listen just then finds the run by other means.
pub const TELL: &str = "select {tell}";
