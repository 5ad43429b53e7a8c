alter table keystore add column version integer not null default 1;

create index stack_runs_of_keystore on stack_runs (id)
  where service_name = 'wrappedkeystore' and kind = 'call';
