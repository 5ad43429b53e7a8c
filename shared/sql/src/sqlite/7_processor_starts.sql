-- As supabase/migrations/20261124160000_processor_starts.sql.
create table processor_starts (
  slot text primary key,
  started_at timestamp not null,
  in_a_row integer not null
);
