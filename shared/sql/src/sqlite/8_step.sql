-- As supabase/migrations/20261127040000_step.sql. A check cannot be taken from a table in SQLite, so
-- it is made anew.
alter table processor_starts rename to processors;
alter table processors add column alive_until timestamp;

create table stack_runs_new (
  id integer primary key,
  parent_task_run_id integer not null references task_runs (id) on delete cascade,
  parent_stack_run_id integer,
  kind text not null,
  seq integer not null default 0,
  service_name text not null,
  method_name text not null,
  args json text,
  options json text,
  status text not null default 'pending',
  result json text,
  error json text,
  vm_state json text,
  resume_payload json text,
  waiting_on_stack_run_id integer,
  runnable boolean not null default 1,
  idempotent boolean not null default 0,
  epoch integer not null default 0,
  lease_owner text,
  attempt integer not null default 0,
  crashes integer not null default 0,
  not_before timestamp not null default (cast(unixepoch('subsec') * 1000 as integer)),
  sent_at timestamp,
  delivery integer,
  delivered_ms integer,
  deliveries integer not null default 0,
  next_seq integer not null default 0,
  deadline timestamp,
  at_end text,
  created_at timestamp not null default (cast(unixepoch('subsec') * 1000 as integer)),
  updated_at timestamp not null default (cast(unixepoch('subsec') * 1000 as integer)),
  ended_at timestamp,
  share integer not null default 0,
  blame integer not null default 0,
  aboard integer,
  executor text
);
insert into stack_runs_new
select id, parent_task_run_id, parent_stack_run_id, kind, case kind when 'task' then -1 else seq end,
  service_name, method_name, args, options, status, result, error, vm_state, resume_payload,
  waiting_on_stack_run_id, runnable, idempotent, epoch, lease_owner, attempt, crashes, not_before,
  sent_at, delivery, delivered_ms, deliveries, next_seq, deadline, at_end, created_at, updated_at,
  ended_at, share, blame, aboard, null
from stack_runs;
drop table stack_runs;
alter table stack_runs_new rename to stack_runs;

create unique index stack_runs_seq on stack_runs (parent_task_run_id, seq);
create unique index stack_runs_nested on stack_runs (parent_stack_run_id)
  where kind = 'task' and parent_stack_run_id is not null;
create unique index stack_runs_root on stack_runs (parent_task_run_id) where kind = 'task';
create index stack_runs_open on stack_runs (parent_task_run_id) where kind <> 'task' and status in
  ('pending', 'processing', 'suspended_waiting_child', 'pending_resume', 'needs_attention');
create index stack_runs_held on stack_runs (lease_owner) where status = 'processing';
create index stack_runs_attention on stack_runs (id) where status = 'needs_attention';
create index stack_runs_share on stack_runs (share, not_before, id)
  where status in ('pending', 'pending_resume') and runnable;
create index stack_runs_deadline on stack_runs (deadline)
  where deadline is not null and kind = 'task'
    and status in ('pending', 'processing', 'suspended_waiting_child', 'pending_resume');
create index stack_runs_of_keystore on stack_runs (id)
  where service_name = 'wrappedkeystore' and kind = 'call';
