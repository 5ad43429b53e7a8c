//! Statements that lease rows and keep leases. A claim is decided by the state machine in advance
//! (`tasker_core::run::claim`).

/// Takes a ready row; others' locked rows are skipped. $2 lists the shares in the order in which
/// they are looked at: the first that has a ready row gives the one that has waited longest.
pub const CLAIM_NEXT: &str = "\
with ready as materialized ( \
  select picked from ( \
    select (select id from stack_runs \
      where share = s.n and status in ('pending', 'pending_resume') and runnable \
        and not_before <= {now} \
      order by not_before, id limit 1 {skip}) as picked \
    from {ids $2} s limit 1000) shares \
  where picked is not null limit 1) \
update stack_runs set status = 'processing', epoch = epoch + 1, attempt = attempt + 1, \
  lease_owner = $1, \
  sent_at = case when idempotent then sent_at else {now} end, updated_at = {now} \
from ready where id = picked \
returning id, parent_task_run_id, parent_stack_run_id, kind, seq, service_name, method_name, \
  {text args}, {text options}, idempotent, epoch, attempt, crashes, \
  (select r.executor from stack_runs r where r.id = stack_runs.parent_stack_run_id)";

/// Takes one named row, if it is ready.
pub const CLAIM_ROW: &str = "\
update stack_runs set status = 'processing', epoch = epoch + 1, attempt = attempt + 1, \
  lease_owner = $1, \
  sent_at = case when idempotent then sent_at else {now} end, updated_at = {now} \
where id = $2 and status in ('pending', 'pending_resume') and runnable and not_before <= {now} \
returning id, parent_task_run_id, parent_stack_run_id, kind, seq, service_name, method_name, \
  {text args}, {text options}, idempotent, epoch, attempt, crashes, \
  (select r.executor from stack_runs r where r.id = stack_runs.parent_stack_run_id)";

/// The call that a slot was handed by the commit made under lease ($3, $4), while nobody took it
/// away since.
pub const HANDED_BY: &str = "\
select c.id, c.parent_task_run_id, c.parent_stack_run_id, c.kind, c.seq, c.service_name, \
  c.method_name, {text c.args}, {text c.options}, c.idempotent, c.epoch, c.attempt, c.crashes, \
  r.executor \
from stack_runs r join stack_runs c on c.parent_task_run_id = r.parent_task_run_id \
where r.id = $1 and c.kind = 'call' and c.status = 'processing' \
  and c.lease_owner = $2 and exists (select 1 from stack_runs b where b.id = $3 and b.epoch = $4 \
    and b.status in ('completed', 'failed', 'suspended_waiting_child'))";

/// Takes a call that waits for a person.
pub const CLAIM_ATTENTION: &str = "\
update stack_runs set status = 'processing', epoch = epoch + 1, attempt = attempt + 1, \
  lease_owner = $1, updated_at = {now} \
where id = $2 and status = 'needs_attention' \
returning id, parent_task_run_id, parent_stack_run_id, kind, seq, service_name, method_name, \
  {text args}, {text options}, idempotent, epoch, attempt, crashes, null";

/// A holder lives, and its leases with it.
pub const BEAT: &str = "\
insert into processors (slot, started_at, in_a_row, alive_until) values ($1, {now}, 0, {after $2}) \
on conflict (slot) do update set alive_until = excluded.alive_until returning slot";

/// Isolates that are not kept any more.
pub const UNPARK: &str = "\
update stack_runs set executor = null where id in {ids $1} and executor = {text $2}";

/// Whether a lease is still its holder's.
pub const HOLDS: &str = "\
select id from stack_runs \
where id = $1 and epoch = $2 and lease_owner = $3 and status = 'processing'";
