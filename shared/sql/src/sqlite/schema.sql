-- The tables of supabase/migrations in SQLite's words. Times are milliseconds since the epoch.
create table task_functions (
  id integer primary key,
  name text not null unique,
  code text not null,
  description text,
  version integer not null default 1,
  created_at timestamp not null default (cast(unixepoch('subsec') * 1000 as integer)),
  updated_at timestamp not null default (cast(unixepoch('subsec') * 1000 as integer))
);

create table task_function_versions (
  task_function_id integer not null references task_functions (id),
  version integer not null,
  code text not null,
  created_at timestamp not null default (cast(unixepoch('subsec') * 1000 as integer)),
  primary key (task_function_id, version)
);

create trigger task_function_keep after insert on task_functions begin
  insert or ignore into task_function_versions (task_function_id, version, code)
  values (new.id, new.version, new.code);
end;

create trigger task_function_bump after update of code on task_functions
when new.code is not old.code begin
  update task_functions set version = old.version + 1,
    updated_at = cast(unixepoch('subsec') * 1000 as integer) where id = new.id;
  insert or ignore into task_function_versions (task_function_id, version, code)
  values (new.id, old.version + 1, new.code);
end;

create table task_runs (
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
  idempotency_key text unique,
  suspended_at timestamp,
  created_at timestamp not null default (cast(unixepoch('subsec') * 1000 as integer)),
  updated_at timestamp not null default (cast(unixepoch('subsec') * 1000 as integer)),
  ended_at timestamp
);

create table stack_runs (
  id integer primary key,
  parent_task_run_id integer not null references task_runs (id) on delete cascade,
  parent_stack_run_id integer,
  kind text not null check (kind in ('task', 'call', 'timer')),
  seq integer not null default 0,
  service_name text not null,
  method_name text not null,
  args json text,
  options json text,
  status text not null default 'pending' check (status in
    ('pending', 'processing', 'suspended_waiting_child', 'pending_resume', 'completed', 'failed',
     'cancelled', 'needs_attention')),
  result json text,
  error json text,
  vm_state json text,
  resume_payload json text,
  waiting_on_stack_run_id integer,
  runnable boolean not null default 1,
  idempotent boolean not null default 0,
  epoch integer not null default 0,
  lease_owner text,
  lease_until timestamp,
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
  check ((status = 'processing') = (lease_owner is not null)),
  check ((status = 'processing') = (lease_until is not null)),
  check (kind <> 'task' or (status = 'suspended_waiting_child') = (waiting_on_stack_run_id is not null))
);

create unique index stack_runs_step on stack_runs (parent_stack_run_id, kind, seq)
  where parent_stack_run_id is not null and kind = 'task';
create unique index stack_runs_seq on stack_runs (parent_stack_run_id, seq) where kind <> 'task';
create unique index stack_runs_root on stack_runs (parent_task_run_id) where kind = 'task';
create unique index stack_runs_one_active_call on stack_runs (parent_task_run_id)
  where kind = 'call' and runnable and status in ('pending', 'processing');
create index stack_runs_ready on stack_runs (not_before, id)
  where status in ('pending', 'pending_resume') and runnable;
create index stack_runs_leased on stack_runs (lease_until) where status = 'processing';
create index stack_runs_open on stack_runs (parent_stack_run_id)
  where status in ('pending', 'processing', 'suspended_waiting_child', 'pending_resume', 'needs_attention');
create index stack_runs_of_task on stack_runs (parent_task_run_id);
create index stack_runs_deadline on stack_runs (deadline)
  where deadline is not null and kind = 'task'
    and status in ('pending', 'processing', 'suspended_waiting_child', 'pending_resume');
create index stack_runs_attention on stack_runs (updated_at, id) where status = 'needs_attention';
create index task_runs_newest on task_runs (created_at desc);
create index task_runs_open on task_runs (id) where status in ('pending', 'processing');
create index task_runs_ended on task_runs (ended_at) where ended_at is not null;

create table task_logs (
  id integer primary key,
  task_run_id integer not null references task_runs (id) on delete cascade,
  level text not null,
  message text not null,
  at_ms integer not null
);
create index task_logs_of_run on task_logs (task_run_id, id);

create table keystore (
  id integer primary key,
  namespace text not null default 'global',
  key_name text not null,
  key_value text not null,
  description text,
  created_at timestamp not null default (cast(unixepoch('subsec') * 1000 as integer)),
  updated_at timestamp not null default (cast(unixepoch('subsec') * 1000 as integer)),
  unique (namespace, key_name)
);
