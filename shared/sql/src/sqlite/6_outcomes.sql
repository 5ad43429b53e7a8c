-- As supabase/migrations/20261124113000_outcomes.sql.
create table request_answers (
  id integer primary key,
  caller text not null,
  idempotency_key text not null,
  request text not null,
  status text not null check (status in ('sent', 'done')),
  answer json text,
  bytes integer not null default 0,
  created_at timestamp not null default (cast(unixepoch('subsec') * 1000 as integer)),
  unique (caller, idempotency_key)
);
create index request_answers_age on request_answers (created_at);
alter table stack_runs add column blame integer not null default 0;
alter table stack_runs add column aboard integer;
