//! The step of a warm run (`tasker_core::run::step`).

/// Postgres: many steps in one statement. Its parts run one after the other, since each reads what
/// the one before answers. A root is locked and looked at anew, as everybody who changes a run does;
/// a call that somebody else took away meanwhile leaves its step without effect.
///
/// $1 to $15: one a step. $16 to $33: one a call made. $34 to $37: one a line printed.
pub const STEPS: &str = "\
with step as materialized (select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], \
    $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::text[], \
    $12::text[], $13::text[], $14::bigint[], $15::bigint[]) \
  as s (root, root_epoch, calls, before, next_seq, deliveries, waiting_on, child, epoch, owner, \
    status, result, error, delivery, delivered_ms)), \
locked as materialized (select s.*, r.parent_task_run_id as run, r.share \
  from step s join stack_runs r on r.id = s.root \
  where r.status = 'suspended_waiting_child' and r.runnable and r.epoch = s.root_epoch \
    and r.next_seq = s.calls and r.deliveries = s.before \
  order by r.id for no key update of r), \
ended as (update stack_runs c set status = l.status, result = l.result::json, error = l.error::json, \
    delivery = l.delivery, delivered_ms = l.delivered_ms, lease_owner = null, updated_at = {now}, \
    ended_at = {now} \
  from locked l where c.id = l.child and c.epoch = l.epoch and c.lease_owner = l.owner \
    and c.status = 'processing' \
  returning l.root, l.run, l.share, l.next_seq, l.deliveries, l.waiting_on), \
moved as (update stack_runs r set next_seq = e.next_seq, deliveries = e.deliveries, \
    waiting_on_stack_run_id = e.waiting_on \
  from ended e where r.id = e.root), \
made as (insert into stack_runs (id, parent_task_run_id, parent_stack_run_id, kind, seq, \
    service_name, method_name, args, options, idempotent, status, runnable, epoch, lease_owner, \
    attempt, sent_at, not_before, result, error, delivery, delivered_ms, ended_at, share) \
  select m.id, e.run, e.root, m.kind, m.seq, m.service, m.method, m.args::json, m.options::json, \
    m.idempotent, m.status, m.runnable, m.epoch, m.owner, m.epoch, \
    case when m.epoch > 0 and not m.idempotent then {now} end, {after m.delay}, m.result::json, \
    m.error::json, m.delivery, m.delivered_ms, case when m.delivery is not null then {now} end, \
    e.share \
  from unnest($16::bigint[], $17::bigint[], $18::text[], $19::bigint[], $20::text[], $21::text[], \
      $22::text[], $23::text[], $24::boolean[], $25::text[], $26::boolean[], $27::bigint[], \
      $28::text[], $29::bigint[], $30::text[], $31::text[], $32::bigint[], $33::bigint[]) \
    as m (root, id, kind, seq, service, method, args, options, idempotent, status, runnable, epoch, \
      owner, delay, result, error, delivery, delivered_ms) \
    join ended e on e.root = m.root), \
said as (insert into task_logs (task_run_id, level, message, at_ms) \
  select e.run, t.level, t.message, t.at_ms \
  from unnest($34::bigint[], $35::text[], $36::text[], $37::bigint[]) \
    with ordinality as t (root, level, message, at_ms, n) join ended e on e.root = t.root order by t.n) \
select root from ended";

/// SQLite: the call ends, if the run is as the step saw it. The parameters are those of [`STEPS`],
/// one step's.
pub const STEP_ENDED: &str = "\
update stack_runs set status = $11, result = $12, error = $13, delivery = $14, delivered_ms = $15, \
  lease_owner = null, updated_at = {now}, ended_at = {now} \
where id = $8 and epoch = $9 and lease_owner = $10 and status = 'processing' and exists ( \
  select 1 from stack_runs r where r.id = $1 and r.status = 'suspended_waiting_child' \
    and r.runnable and r.epoch = $2 and r.next_seq = $3 and r.deliveries = $4) \
returning $1";

/// SQLite: a call made by the step of root $1 that ended call $19, if that counted and the root has
/// not moved yet ($20).
pub const STEP_MADE: &str = "\
insert into stack_runs (parent_stack_run_id, id, kind, seq, service_name, method_name, args, options, \
  idempotent, status, runnable, epoch, lease_owner, attempt, sent_at, not_before, result, error, \
  delivery, delivered_ms, ended_at, share, parent_task_run_id) \
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $12, \
  case when $12 > 0 and not $9 then {now} end, {after $14}, $15, $16, $17, $18, \
  case when $17 is not null then {now} end, r.share, r.parent_task_run_id \
from stack_runs r join stack_runs c on c.id = $19 and c.delivery = r.deliveries \
where r.id = $1 and r.next_seq = $20";

/// SQLite: a line printed in the step of root $1 that ended call $5, likewise.
pub const STEP_SAID: &str = "\
insert into task_logs (task_run_id, level, message, at_ms) \
select r.parent_task_run_id, $2, $3, $4 \
from stack_runs r join stack_runs c on c.id = $5 and c.delivery = r.deliveries \
where r.id = $1 and r.next_seq = $6";

/// SQLite: the root of that step goes on.
pub const STEP_MOVED: &str = "\
update stack_runs set next_seq = $3, deliveries = $4, waiting_on_stack_run_id = $5 \
where id = $1 and next_seq = $2 and exists (select 1 from stack_runs c \
  where c.id = $6 and c.delivery = stack_runs.deliveries)";
