-- Who may do what with the tables, said in full: nothing is left to what a project grants by default.
-- Supabase has these roles; on a plain Postgres they are made, so that both behave alike.
do $$
declare
  role text;
begin
  foreach role in array array['anon', 'authenticated', 'service_role'] loop
    begin
      if not exists (select from pg_roles where rolname = role) then
        execute format('create role %I nologin', role);
      end if;
    exception
      -- Roles are the whole server's: another database made it a moment ago.
      when duplicate_object or unique_violation then null;
      when insufficient_privilege then
        raise notice 'the role % cannot be made: nobody can be granted access through it', role;
    end;
  end loop;
end $$;

do $$
declare
  name text;
  visitor text;
  known text[] := array(select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role'));
begin
  foreach name in array array['task_functions', 'task_function_versions', 'task_runs', 'stack_runs',
    'task_logs', 'keystore'] loop
    execute format('alter table %I enable row level security', name);
    execute format('revoke all on %I from public', name);
    foreach visitor in array known loop
      execute format('revoke all on %I from %I', name, visitor);
    end loop;
    -- Secrets are reached through the keystore service alone.
    if name <> 'keystore' and 'service_role' = any (known) then
      execute format('grant select, insert, update, delete on %I to service_role', name);
      -- Where it may not bypass row level security (a plain Postgres) it needs a policy.
      execute format('create policy service on %I for all to service_role using (true) with check (true)', name);
    end if;
  end loop;
  foreach visitor in array known loop
    execute format('grant usage on schema %I to %I', current_schema(), visitor);
  end loop;
end $$;

-- What triggers do is not for calling.
revoke execute on function task_function_bump(), task_function_keep() from public;
