-- Secrets are sealed for their place: namespace, name, and how often the row was set.
alter table keystore add column if not exists version bigint not null default 1;

-- What keystore calls left in journals, to be wrapped again when the master key changes.
create index if not exists stack_runs_of_keystore on stack_runs (id)
  where service_name = 'wrappedkeystore' and kind = 'call';
