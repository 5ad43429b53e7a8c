-- Rows of the original tasker, which the first migration moved into the schema tasker_original.
-- Where there are none (that is: nearly everywhere) this does nothing.
--
-- Runs that had ended keep their result, their calls and their numbers. Runs that were open are
-- failed with an error that says so: nobody knows which of their calls happened, and nothing may
-- start by itself because of an upgrade. Secrets are in clear until `tasker migrate`, or the
-- keystore service at its start, seals them.

do $$
begin
  if to_regnamespace('tasker_original') is null then
    return;
  end if;

  insert into task_functions (id, name, code, description, created_at, updated_at)
  select id, name, code, description,
    coalesce(created_at at time zone 'UTC', clock_timestamp()),
    coalesce(updated_at, created_at) at time zone 'UTC'
  from tasker_original.task_functions
  on conflict do nothing;

  insert into task_runs (id, task_function_id, version, task_name, input, result, error, status, logs,
    vm_logs, suspended_at, created_at, updated_at, ended_at)
  select id, task_function_id, case when task_function_id is not null then 1 end, task_name,
    input::text::json,
    -- The original kept the executor's envelope around the result.
    case when status = 'completed' then coalesce(
      case when jsonb_typeof(result) = 'object' and result->>'status' = 'completed' and result ? 'result'
        then result->'result' else result end, 'null')::text::json end,
    case
      when status = 'completed' then null
      when status in ('failed', 'error') then coalesce(error, '{"name":"Error","message":"failed"}')::text::json
      else json_build_object('name', 'Upgraded', 'message',
        'this run was open (' || status || ') when the original tasker was replaced: submit it again')
    end,
    case when status = 'completed' then 'completed' else 'failed' end,
    logs, vm_logs, suspended_at at time zone 'UTC', created_at at time zone 'UTC',
    coalesce(updated_at, created_at) at time zone 'UTC',
    coalesce(ended_at, updated_at, created_at) at time zone 'UTC'
  from tasker_original.task_runs;

  -- The root of a run is the first row for the executor; a run without one gets one.
  create temporary table original_roots on commit drop as
  select t.id as run, min(s.id) as root
  from task_runs t left join tasker_original.stack_runs s
    on s.parent_task_run_id = t.id and s.service_name = 'deno-executor' and s.parent_stack_run_id is null
  group by t.id;

  perform setval(pg_get_serial_sequence('stack_runs', 'id'),
    greatest((select max(id) from tasker_original.stack_runs), 1));
  update original_roots set root = nextval(pg_get_serial_sequence('stack_runs', 'id'))
  where root is null;

  create temporary table original_calls on commit drop as
  select s.*, r.root,
    row_number() over of_run - 1 as seq,
    case when s.status in ('completed', 'failed')
      then count(*) filter (where s.status in ('completed', 'failed')) over of_run - 1 end as delivery,
    coalesce(s.ended_at, s.updated_at, s.created_at) at time zone 'UTC' as ended
  from tasker_original.stack_runs s join original_roots r on r.run = s.parent_task_run_id
  where s.id <> r.root
  window of_run as (partition by s.parent_task_run_id order by s.id);

  insert into stack_runs (id, parent_task_run_id, kind, service_name, method_name, args, status, result,
    error, vm_state, idempotent, deliveries, next_seq, at_end, created_at, updated_at, ended_at)
  select r.root, t.id, 'task', 'deno-executor', 'execute', json_build_array(t.task_name), t.status,
    t.result, t.error,
    case when t.task_function_id is null and s.args->>'taskCode' is not null
      then json_build_object('taskCode', s.args->>'taskCode') end,
    true,
    (select count(delivery) from original_calls c where c.root = r.root),
    (select count(*) from original_calls c where c.root = r.root),
    case when t.error->>'name' = 'Upgraded' then 'stopped' end,
    t.created_at, t.updated_at, t.ended_at
  from original_roots r join task_runs t on t.id = r.run
    left join tasker_original.stack_runs s on s.id = r.root;

  insert into stack_runs (id, parent_task_run_id, parent_stack_run_id, kind, seq, service_name,
    method_name, args, status, result, error, sent_at, delivery, delivered_ms, at_end, created_at,
    updated_at, ended_at)
  select id, parent_task_run_id, root, 'call', seq, coalesce(service_name, 'unknown'),
    coalesce(method_name, 'unknown'), args::text::json,
    case when status in ('completed', 'failed') then status else 'cancelled' end,
    case when status = 'completed' then coalesce(result, 'null')::text::json end,
    case when status = 'failed' then coalesce(error, '{"name":"Error","message":"failed"}')::text::json end,
    case when status not in ('completed', 'failed', 'pending') then updated_at at time zone 'UTC' end,
    delivery,
    case when delivery is not null then floor(extract(epoch from ended) * 1000)::bigint end,
    case when status not in ('completed', 'failed') then 'cut' end,
    created_at at time zone 'UTC', coalesce(updated_at, created_at) at time zone 'UTC', ended
  from original_calls;

  -- The original knew no namespaces; a key in `global` is found from each.
  if to_regclass('tasker_original.keystore') is not null then
    insert into keystore (namespace, key_name, key_value, description, created_at, updated_at)
    select 'global', key_name, key_value, description,
      coalesce(created_at at time zone 'UTC', clock_timestamp()),
      coalesce(updated_at at time zone 'UTC', clock_timestamp())
    from tasker_original.keystore
    on conflict do nothing;
  end if;

  perform setval(pg_get_serial_sequence('task_functions', 'id'), greatest((select max(id) from task_functions), 1));
  perform setval(pg_get_serial_sequence('task_runs', 'id'), greatest((select max(id) from task_runs), 1));
  perform setval(pg_get_serial_sequence('stack_runs', 'id'), greatest((select max(id) from stack_runs), 1));

  begin
    drop table if exists tasker_original.task_locks, tasker_original.stack_runs, tasker_original.task_runs,
      tasker_original.task_functions, tasker_original.keystore;
    drop schema tasker_original;
  exception when dependent_objects_still_exist then
    -- A view or key of the project's own: the old tables stay for it, without the secrets.
    raise notice 'tasker_original stays, since other objects depend on it';
    if to_regclass('tasker_original.keystore') is not null then
      delete from tasker_original.keystore;
    end if;
  end;
end $$;
