//! Statements that find rows and runs whose time is over.

/// What makes a lease lost: its holder is not known to live.
macro_rules! unheld {
    () => {
        "status = 'processing' and not_before <= {now} and not exists (select 1 from processors p \
           where p.slot = lease_owner and p.alive_until >= {now}) "
    };
}

/// Roots of runs with rows whose lease was lost.
pub const LOST_RUNS: &str = concat!(
    "select distinct case kind when 'task' then id else parent_stack_run_id end \
     from (select id, kind, parent_stack_run_id from stack_runs where ",
    unheld!(),
    "order by id limit 100) lost"
);

/// Rows of these runs whose lease was lost.
pub const LOST_ROWS: &str = concat!(
    "select id from stack_runs where parent_task_run_id in \
       (select r.parent_task_run_id from stack_runs r where r.id in {ids $1}) and ",
    unheld!(),
    "order by id"
);

/// Counts the starts of a slot that came soon one after the other.
pub const STARTED: &str = "\
insert into processors (slot, started_at, in_a_row) values ($1, {now}, 1) \
on conflict (slot) do update set started_at = excluded.started_at, in_a_row = \
  case when processors.started_at > {after $2} then processors.in_a_row + 1 else 1 end \
returning in_a_row";

/// Slots that are not used any more.
pub const FORGET_STARTS: &str = "\
delete from processors where started_at < {after $1} \
  and (alive_until is null or alive_until < {after $1}) returning slot";

/// Rows that a slot holds.
pub const HELD_BY: &str = "select id, epoch, case kind when 'task' then id else parent_stack_run_id end \
     from stack_runs where status = 'processing' and lease_owner = $1 order by id";

/// Milliseconds until the next lease runs out unless its holder beats, the next row of the shares $1 falls due or a run's
/// time is over.
pub const NEXT_DEADLINE: &str = "\
select min({ms due}) - {now_ms} from ( \
  select min(case when p.alive_until is null or p.alive_until < held.ready then held.ready \
      else p.alive_until end) as due \
    from (select lease_owner, min(not_before) as ready from stack_runs \
      where status = 'processing' group by lease_owner) held \
    left join processors p on p.slot = held.lease_owner \
  union all \
  select min(ready) from (select (select min(not_before) from stack_runs \
    where share = s.n and status in ('pending', 'pending_resume') and runnable) as ready \
    from {ids $1} s limit 1000) shares \
  union all \
  select min(deadline) from stack_runs where deadline is not null and kind = 'task' \
    and status in ('pending', 'processing', 'suspended_waiting_child', 'pending_resume')) d";
