-- Who submitted a run. null: the service role, on nobody's behalf; '': a client without a user;
-- else `sub` of the user's token. `tenant` is what the cap on open runs counts by: a claim that
-- TASKER_TENANT_CLAIM names, else the owner.
alter table task_runs add column if not exists owner text, add column if not exists tenant text;

-- Two users may choose the same key.
alter table task_runs drop constraint if exists task_runs_idempotency_key_key;
create unique index task_runs_idempotency on task_runs (idempotency_key, owner) nulls not distinct
  where idempotency_key is not null;
create index task_runs_of_owner on task_runs (owner, id desc) where owner is not null;
create index task_runs_open_of_tenant on task_runs (tenant)
  where tenant is not null and status in ('pending', 'processing');

-- A signed-in user may read what is theirs over the REST API too: runs, their calls and logs. A
-- client without a user may not: everybody who has the public key is one and the same there.
create function tasker_caller() returns text language sql stable set search_path = '' as $$
  select nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub'
$$;

do $$
begin
  if not exists (select from pg_roles where rolname = 'authenticated') then
    return;
  end if;
  -- In a subquery: asked once a statement, not once a row.
  create policy own on task_runs for select to authenticated
    using (owner = (select tasker_caller()));
  create policy own on stack_runs for select to authenticated using (exists (
    select from task_runs t
    where t.id = stack_runs.parent_task_run_id and t.owner = (select tasker_caller())));
  create policy own on task_logs for select to authenticated using (exists (
    select from task_runs t
    where t.id = task_logs.task_run_id and t.owner = (select tasker_caller())));
  grant select on task_runs, stack_runs, task_logs to authenticated;
end $$;
