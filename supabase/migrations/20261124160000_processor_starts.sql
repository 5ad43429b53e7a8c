-- When a processor of this slot last started, and how many starts in a row came soon one after the
-- other: a process that dies so often dies of more than one run.
create table processor_starts (
  slot text primary key,
  started_at timestamptz not null,
  in_a_row bigint not null
);

do $$
declare
  visitor text;
  known text[] := array(select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role'));
begin
  alter table processor_starts enable row level security;
  revoke all on processor_starts from public;
  foreach visitor in array known loop
    execute format('revoke all on processor_starts from %I', visitor);
  end loop;
  if 'service_role' = any (known) then
    grant select, insert, update, delete on processor_starts to service_role;
    create policy service on processor_starts for all to service_role using (true) with check (true);
  end if;
end $$;
