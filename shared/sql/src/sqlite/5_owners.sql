-- As supabase/migrations/20261124100400_owners.sql. A column's `unique` cannot be taken back in
-- SQLite, so the table is made anew; what refers to it does so by its name.
create table task_runs_new (
  id integer primary key,
  task_function_id integer references task_functions (id),
  version integer,
  task_name text not null,
  input json text,
  result json text,
  error json text,
  status text not null default 'pending' check (status in
    ('pending', 'processing', 'suspended_waiting_child', 'pending_resume', 'completed', 'failed',
     'cancelled', 'needs_attention')),
  logs json text,
  vm_logs json text,
  waiting_on_stack_run_id integer,
  parent_stack_run_id integer unique,
  idempotency_key text,
  suspended_at timestamp,
  created_at timestamp not null default (cast(unixepoch('subsec') * 1000 as integer)),
  updated_at timestamp not null default (cast(unixepoch('subsec') * 1000 as integer)),
  ended_at timestamp,
  owner text,
  tenant text
);
insert into task_runs_new select *, null, null from task_runs;
drop table task_runs;
alter table task_runs_new rename to task_runs;
create index task_runs_newest on task_runs (created_at desc);
create index task_runs_open on task_runs (id) where status in ('pending', 'processing');
create index task_runs_ended on task_runs (ended_at) where ended_at is not null;
-- A number stands for nobody: no owner is one.
create unique index task_runs_idempotency on task_runs (idempotency_key, ifnull(owner, 0))
  where idempotency_key is not null;
create index task_runs_of_owner on task_runs (owner, id desc) where owner is not null;
create index task_runs_open_of_tenant on task_runs (tenant)
  where tenant is not null and status in ('pending', 'processing');
