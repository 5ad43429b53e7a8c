-- As supabase/migrations/20261124093000_fair_claims.sql.

alter table stack_runs add column share integer not null default 0;
create index stack_runs_share on stack_runs (share, not_before, id)
  where status in ('pending', 'pending_resume') and runnable;
-- In its place: with both, a planner could go through all rows for a share that has none.
drop index stack_runs_ready;
