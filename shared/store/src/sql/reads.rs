//! Statements that read runs, and those of functions, secrets and tables.

/// A run's name, input, start and code.
pub const RUN_IMAGE: &str = "\
select t.id, t.task_name, {text t.input}, {ms t.created_at}, v.code, {text r.vm_state}, r.status \
from stack_runs r join task_runs t on t.id = r.parent_task_run_id \
left join task_function_versions v \
  on v.task_function_id = t.task_function_id and v.version = t.version \
where r.id = $1 and r.kind = 'task'";

/// A run's calls and outcomes.
pub const JOURNAL: &str = "\
select seq, service_name, method_name, {text args}, status, {text result}, {text error}, delivery, \
  delivered_ms \
from stack_runs where kind <> 'task' \
  and parent_task_run_id = (select r.parent_task_run_id from stack_runs r where r.id = $1) order by seq";

/// Makes or changes a published task.
pub const PUBLISH: &str = "\
insert into task_functions (name, code, description) values ($1, $2, {text $3}) \
on conflict (name) do update set code = excluded.code, description = excluded.description, \
  updated_at = {now}";

/// A published task.
pub const FUNCTION: &str = "\
select id, name, code, description, version, {ms created_at}, {ms updated_at} \
from task_functions where name = $1";

/// All published tasks, without their code.
pub const FUNCTIONS: &str = "\
select id, name, '', description, version, {ms created_at}, {ms updated_at} \
from task_functions order by name";

/// Columns of a run, as [`crate::rows::run`] reads them.
macro_rules! run {
    () => {
        "select t.id, t.task_function_id, t.version, t.task_name, {text t.input}, t.status, \
           {text t.result}, {text t.error}, r.waiting_on_stack_run_id, t.parent_stack_run_id, r.next_seq, \
           {ms t.created_at}, {ms t.updated_at}, {ms t.ended_at}, not r.runnable, {ms r.deadline}, \
           (select min(a.id) from stack_runs a where a.parent_task_run_id = t.id \
             and a.status = 'needs_attention' and a.kind <> 'task'), t.owner \
         from task_runs t join stack_runs r on r.parent_task_run_id = t.id and r.kind = 'task' "
    };
}

/// Columns of a row, as [`crate::rows::stack_run`] reads them.
macro_rules! stack_run {
    () => {
        "select id, parent_task_run_id, parent_stack_run_id, kind, seq, service_name, method_name, \
           {text args}, status, waiting_on_stack_run_id, {text result}, {text error}, epoch, lease_owner, \
           attempt, crashes, {ms not_before}, idempotent, delivery, delivered_ms, \
           {ms created_at}, {ms updated_at}, {ms ended_at} \
         from stack_runs "
    };
}

/// A run by its id.
pub const RUN: &str = concat!(run!(), "where t.id = $1");

/// Newest runs; `needs_attention` finds those one of whose calls is in that state.
pub const RUNS: &str = concat!(
    run!(),
    "where ({text $1} is null or t.status = $1 or ({text $1} = 'needs_attention' and t.id in \
       (select n.parent_task_run_id from stack_runs n where n.status = 'needs_attention'))) and ({text $2} is null or t.task_name = $2) \
       and ({text $3} is null or t.owner = $3) \
     order by t.id desc limit $4"
);

/// One row.
pub const STACK_RUN: &str = concat!(stack_run!(), "where id = $1");

/// Rows of a run behind row $2: root first, then its calls in their order.
pub const STACK_RUNS: &str = concat!(
    stack_run!(),
    "where parent_task_run_id = $1 and seq > coalesce((select b.seq from stack_runs b \
       where b.id = $2 and b.parent_task_run_id = $1), -2) order by seq limit $3"
);

/// What a run printed.
pub const LOGS: &str = "\
select level, message, at_ms from task_logs where task_run_id = $1 order by id desc limit $2";

/// Forgets all runs; functions and secrets stay.
pub const CLEAR_RUNS: [&str; 4] = [
    "delete from task_logs",
    "delete from request_answers",
    "delete from stack_runs",
    "delete from task_runs",
];

/// Numbers of rows to come.
pub const NEW_IDS: &str = "select n from {new_ids $1} ids";

/// The database's clock, milliseconds.
pub const NOW: &str = "select {now_ms}";
