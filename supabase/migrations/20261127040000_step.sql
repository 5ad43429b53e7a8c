-- The step becomes one guarded statement. What it pays for with each call is cut to what it needs:
-- * Leases are kept by a processor, not by a row: `processors` has one row a slot, with the time until
--   which it is known to live. A row's own deadline, its index and its heartbeats go.
-- * A root stands before its calls: its `seq` is -1, so one unique index serves the numbering of
--   calls, the listing of a run and the deletes of its rows.
-- * Checks of the engine's own columns would be read again by each statement; `check_invariants`
--   looks at all of them.
-- Runs may be open meanwhile: what was under way counts as lost with its processor, as after a
-- restart, and is taken up again.

alter table if exists processor_starts rename to processors;
alter table processors add column alive_until timestamptz;

drop index stack_runs_leased;
drop index stack_runs_one_active_call;
drop index stack_runs_of_task;
drop index stack_runs_seq;
drop index stack_runs_open;
drop index stack_runs_attention;
drop index stack_runs_step;

do $$
declare
  name text;
begin
  foreach name in array array['stack_runs_check', 'stack_runs_check1', 'stack_runs_check2',
    'stack_runs_kind_check', 'stack_runs_status_check'] loop
    execute format('alter table stack_runs drop constraint if exists %I', name);
  end loop;
end $$;

-- The schedule by pg_cron, where it runs, must not read the column that goes.
create or replace function tasker_kick() returns bigint language plpgsql set search_path from current as $$
declare
  url text;
  key text;
  waiting boolean := exists (
      select from stack_runs where status in ('pending', 'pending_resume') and runnable
        and not_before <= clock_timestamp())
    or exists (
      select from stack_runs s where s.status = 'processing' and s.not_before <= clock_timestamp()
        and not exists (select from processors p
          where p.slot = s.lease_owner and p.alive_until >= clock_timestamp()));
begin
  if not waiting then
    return null;
  end if;
  select decrypted_secret into url from vault.decrypted_secrets where name = 'tasker_functions_url';
  select decrypted_secret into key from vault.decrypted_secrets where name = 'tasker_service_key';
  if url is null or key is null then
    raise exception 'tasker_kick needs the Vault secrets tasker_functions_url and tasker_service_key'
      using hint = 'select vault.create_secret(''https://<project>/functions/v1'', ''tasker_functions_url'')';
  end if;
  return net.http_post(
    url := rtrim(url, '/') || '/simple-stack-processor',
    body := '{"trigger":"process-next"}'::jsonb,
    headers := jsonb_build_object('content-type', 'application/json', 'apikey', key,
      'authorization', 'Bearer ' || key));
end $$;

alter table stack_runs drop column lease_until;
-- Address of the executor that keeps the run's isolate.
alter table stack_runs add column executor text;
update stack_runs set seq = -1 where kind = 'task';

create unique index stack_runs_seq on stack_runs (parent_task_run_id, seq);
-- A call becomes one run.
create unique index stack_runs_nested on stack_runs (parent_stack_run_id)
  where kind = 'task' and parent_stack_run_id is not null;
create index stack_runs_open on stack_runs (parent_task_run_id) where kind <> 'task' and status in
  ('pending', 'processing', 'suspended_waiting_child', 'pending_resume', 'needs_attention');
create index stack_runs_held on stack_runs (lease_owner) where status = 'processing';
-- Not by time: a warm step must change no column that an index holds of the root.
create index stack_runs_attention on stack_runs (id) where status = 'needs_attention';
