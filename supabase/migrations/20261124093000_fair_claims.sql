-- Claims go round the shares in which rows wait, so that nobody waits for a crowd. Whose runs they
-- are decides on the share; a run's calls, and the runs they become, have the run's own.

alter table stack_runs add column share smallint not null default 0;
create index stack_runs_share on stack_runs (share, not_before, id)
  where status in ('pending', 'pending_resume') and runnable;
-- In its place: with both, a planner could go through all rows for a share that has none.
drop index stack_runs_ready;
