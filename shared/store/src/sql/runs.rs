//! Statements that move runs.

/// Locks a run: whoever changes it holds its root. A statement of its own, since one that waits
/// for a lock still reads as of its start and would miss the rows that were made meanwhile.
pub const LOCK_CHAIN: &str = "select id from stack_runs where id = $1 {lock}";

/// Columns of [`LOAD_CHAIN`].
macro_rules! chain_columns {
    () => {
        "id, parent_stack_run_id, parent_task_run_id, kind, seq, status, runnable, epoch, \
         lease_owner, deliveries, next_seq, \
         (select w.seq from stack_runs w where w.id = stack_runs.waiting_on_stack_run_id), \
         service_name, method_name, {text args}, {text options}, idempotent, attempt, \
         delivery, at_end, sent_at is not null "
    };
}

/// A run's root (locked by [`LOCK_CHAIN`]) and its open children, locked, root first. Two plain
/// index scans: an `or` of both becomes a scan of the whole table while that is small, or a bitmap
/// that visits every earlier version of every child.
pub const LOAD_CHAIN: &str = concat!(
    "with root as materialized (select ",
    chain_columns!(),
    "from stack_runs where id = $1), children as materialized (select ",
    chain_columns!(),
    "from stack_runs where parent_task_run_id = (select parent_task_run_id from root) \
     and kind <> 'task' and status in \
       ('pending', 'processing', 'suspended_waiting_child', 'pending_resume', 'needs_attention') \
     order by id {lock}) \
     select * from root union all select * from children"
);

/// The root above a call; none above a root, though a nested one has a parent.
pub const PARENT: &str = "\
select case when kind <> 'task' then parent_stack_run_id end from stack_runs where id = $1";

/// Writes a call's control columns, and its outcome when it has one.
pub const SAVE_CHILD: &str = "\
update stack_runs set status = {text $2}, runnable = $3, \
  attempt = case when {text $2} = 'pending' and status in ('failed', 'cancelled') then 0 \
    else attempt + case when {text $5} is not null and epoch <> $4 then 1 else 0 end end, \
  crashes = case when {text $2} = 'pending' and status in ('failed', 'cancelled') then 0 \
    else crashes end, \
  blame = case when {text $2} = 'pending' and status in ('failed', 'cancelled') then 0 \
    else blame end, \
  sent_at = case when {text $2} = 'pending' then null \
    when {text $5} is not null and epoch <> $4 and not idempotent then {now} else sent_at end, \
  epoch = $4, lease_owner = {text $5}, delivery = {int $6}, delivered_ms = {int $7}, \
  result = {json $8}, error = {json $9}, \
  not_before = case when {int $10} is null then not_before else {after $10} end, at_end = {text $11}, \
  updated_at = {now}, \
  ended_at = case when {text $2} in ('completed', 'failed', 'cancelled') then {now} end \
where id = $1";

/// Writes the root's control columns, and the run's outcome when it ended.
pub const SAVE_ROOT: &str = "\
update stack_runs set status = {text $2}, epoch = $3, \
  lease_owner = case when {text $2} = 'processing' then lease_owner end, \
  waiting_on_stack_run_id = (select c.id from stack_runs c \
    where c.parent_task_run_id = stack_runs.parent_task_run_id and c.seq = {int $4}), \
  deliveries = $5, next_seq = $6, result = {json $7}, error = {json $8}, \
  not_before = {after $9}, runnable = $10, at_end = {text $11}, \
  executor = case when {text $12} is null then executor else {text $12} end, \
  crashes = case when {text $2} = 'suspended_waiting_child' then 0 else crashes end, \
  blame = case when {text $2} = 'suspended_waiting_child' then 0 else blame end, aboard = null, \
  updated_at = {now}, \
  ended_at = case when {text $2} in ('completed', 'failed', 'cancelled') then {now} end \
where id = $1";

/// Makes a call or timer.
pub const INSERT_CHILD: &str = "\
insert into stack_runs (id, parent_task_run_id, parent_stack_run_id, kind, seq, service_name, \
  method_name, args, status, runnable, idempotent, epoch, lease_owner, attempt, \
  sent_at, not_before, at_end, options, share) \
values ({new_id}, $1, $2, $3, $4, $5, $6, {json $7}, $8, $9, $10, $11, {text $12}, \
  case when {text $12} is null then 0 else 1 end, \
  case when {text $12} is null or $10 then null else {now} end, {after $13}, {text $14}, {json $15}, \
  (select r.share from stack_runs r where r.id = $2)) \
returning id";

/// The run has begun.
pub const BEGIN_TASK: &str = "\
update task_runs set status = 'processing', updated_at = {now} where id = $1 and status = 'pending'";

/// The run ended.
pub const END_TASK: &str = "\
update task_runs set status = $2, result = {json $3}, error = {json $4}, logs = {logs}, \
  updated_at = {now}, ended_at = {now} where id = $1";

/// A line the task printed.
pub const INSERT_LOG: &str = "\
insert into task_logs (task_run_id, level, message, at_ms) values ($1, $2, $3, $4)";

/// The newest version of a published task.
pub const FIND_FUNCTION: &str = "select id, version from task_functions where name = $1";

/// A run.
pub const INSERT_TASK: &str = "\
insert into task_runs (task_function_id, version, task_name, input, status, parent_stack_run_id, \
  idempotency_key, owner, tenant) \
select {int $1}, {int $2}, {text $3}, {json $4}, 'pending', {int $5}, {text $6}, \
  coalesce({text $7}, above.owner), coalesce({text $8}, above.tenant) \
from (select 1) one left join (select t.owner, t.tenant from stack_runs c \
  join task_runs t on t.id = c.parent_task_run_id where c.id = {int $5}) above on true \
returning id";

/// The run that a call became.
pub const NESTED: &str = "\
select t.id, r.id, t.status, {text t.result} from task_runs t \
join stack_runs r on r.parent_task_run_id = t.id and r.kind = 'task' \
where t.parent_stack_run_id = $1";

/// A run's root row.
pub const INSERT_ROOT: &str = "\
insert into stack_runs (id, parent_task_run_id, parent_stack_run_id, kind, seq, service_name, \
  method_name, args, status, idempotent, vm_state, runnable, deadline, share) \
values ({new_id}, $1, {int $2}, 'task', -1, 'deno-executor', 'execute', {json $3}, 'pending', true, {json $4}, \
  $5, case when {int $6} is null then null else {after $6} end, \
  coalesce((select c.share from stack_runs c where c.id = {int $2}), {int $7})) \
returning id";

/// Tells every processor, once the transaction commits, that a run was made. A hint: who does not
/// listen just then finds the run by other means.
pub const TELL: &str = "select {tell}";

/// Takes a ready row; others' locked rows are skipped. $2 lists the shares in the order in which
/// they are looked at: the first that has a ready row gives the one that has waited longest.
pub const CLAIM_NEXT: &str = "\
with ready as materialized ( \
  select picked from ( \
    select (select id from stack_runs \
      where share = s.n and status in ('pending', 'pending_resume') and runnable \
        and not_before <= {now} \
      order by not_before, id limit 1 {skip}) as picked \
    from {ids $2} s limit 1000) shares \
  where picked is not null limit 1) \
update stack_runs set status = 'processing', epoch = epoch + 1, attempt = attempt + 1, \
  lease_owner = $1, \
  sent_at = case when idempotent then sent_at else {now} end, updated_at = {now} \
from ready where id = picked \
returning id, parent_task_run_id, parent_stack_run_id, kind, seq, service_name, method_name, \
  {text args}, {text options}, idempotent, epoch, attempt, crashes, \
  (select r.executor from stack_runs r where r.id = stack_runs.parent_stack_run_id)";

/// Takes one named row, if it is ready.
pub const CLAIM_ROW: &str = "\
update stack_runs set status = 'processing', epoch = epoch + 1, attempt = attempt + 1, \
  lease_owner = $1, \
  sent_at = case when idempotent then sent_at else {now} end, updated_at = {now} \
where id = $2 and status in ('pending', 'pending_resume') and runnable and not_before <= {now} \
returning id, parent_task_run_id, parent_stack_run_id, kind, seq, service_name, method_name, \
  {text args}, {text options}, idempotent, epoch, attempt, crashes, \
  (select r.executor from stack_runs r where r.id = stack_runs.parent_stack_run_id)";

/// The call that a slot was handed by the commit made under lease ($3, $4), while nobody took it
/// away since.
pub const HANDED_BY: &str = "\
select c.id, c.parent_task_run_id, c.parent_stack_run_id, c.kind, c.seq, c.service_name, \
  c.method_name, {text c.args}, {text c.options}, c.idempotent, c.epoch, c.attempt, c.crashes, \
  r.executor \
from stack_runs r join stack_runs c on c.parent_task_run_id = r.parent_task_run_id \
where r.id = $1 and c.kind = 'call' and c.status = 'processing' \
  and c.lease_owner = $2 and exists (select 1 from stack_runs b where b.id = $3 and b.epoch = $4 \
    and b.status in ('completed', 'failed', 'suspended_waiting_child'))";

/// Takes a call that waits for a person.
pub const CLAIM_ATTENTION: &str = "\
update stack_runs set status = 'processing', epoch = epoch + 1, attempt = attempt + 1, \
  lease_owner = $1, updated_at = {now} \
where id = $2 and status = 'needs_attention' \
returning id, parent_task_run_id, parent_stack_run_id, kind, seq, service_name, method_name, \
  {text args}, {text options}, idempotent, epoch, attempt, crashes, null";

/// Nobody holds the row any more (a name that never lives): it counts as lost after so long, and so
/// many share the blame.
pub const ABANDON: &str = "\
update stack_runs set lease_owner = 'nobody', not_before = {after $4}, aboard = $5 \
where id = $1 and epoch = $2 and lease_owner in ($3, 'nobody') and status = 'processing' returning id";

/// Whoever works on this row works on nothing else that could be to blame.
pub const ALONE: &str = "\
update stack_runs set aboard = 1 \
where id = $1 and epoch = $2 and lease_owner = $3 and status = 'processing' returning id";

/// A holder lives, and its leases with it.
pub const BEAT: &str = "\
insert into processors (slot, started_at, in_a_row, alive_until) values ($1, {now}, 0, {after $2}) \
on conflict (slot) do update set alive_until = excluded.alive_until returning slot";

/// Isolates that are not kept any more.
pub const UNPARK: &str = "\
update stack_runs set executor = null where id in {ids $1} and executor = {text $2}";

/// Whether a lease is still its holder's.
pub const HOLDS: &str = "\
select id from stack_runs \
where id = $1 and epoch = $2 and lease_owner = $3 and status = 'processing'";

/// What makes a lease lost: its holder is not known to live.
macro_rules! unheld {
    () => {
        "status = 'processing' and not_before <= {now} and not exists (select 1 from processors p \
           where p.slot = lease_owner and p.alive_until >= {now}) "
    };
}

/// What becomes of a row whose lease was lost, and what it bears of the blame
/// (`tasker_core::blame` has the rule in words).
macro_rules! lost {
    ($share:literal) => {
        concat!(
            "epoch = epoch + 1, crashes = crashes + 1, lease_owner = null, \
             blame = blame + ",
            $share,
            ", aboard = null, \
             not_before = {after (case when crashes > 4 then 30000 \
               else crashes * crashes * 10 * (50 + id % 101) end)}, \
             updated_at = {now}, status = case \
               when kind = 'call' and not idempotent and sent_at is not null then 'needs_attention' \
               when kind = 'task' and deliveries > 0 then 'pending_resume' else 'pending' end "
        )
    };
}

/// A row that keeps taking its holders with it is not tried again by itself. What must not be
/// repeated blindly waits for a person before that.
macro_rules! poison {
    ($share:literal) => {
        concat!(
            "crashes >= {crashes 2} and blame + ",
            $share,
            " >= {most} and (kind <> 'call' or idempotent or sent_at is null) "
        )
    };
}

/// Rows that would be freed, but are poison.
pub const POISON: &str = concat!(
    "select id from stack_runs where ",
    unheld!(),
    "and ",
    poison!("{share aboard}"),
    "order by id limit 100"
);

/// Whether a row is poison now: its lease ran out, or it is held by this slot, which begins anew and
/// held $3 rows. Its number of lost leases, this one included.
pub const IS_POISON: &str = concat!(
    "select epoch, lease_owner, crashes + 1 from stack_runs where id = $1 and \
     (",
    unheld!(),
    "or status = 'processing' and lease_owner = {text $2}) and ",
    poison!("{share coalesce(aboard, $3)}")
);

/// The lease that was the last straw, counted.
pub const COUNT_CRASH: &str =
    "update stack_runs set crashes = crashes + 1, aboard = null where id = $1";

/// Frees leases that ran out. Rows that somebody works on this moment are left for the next time:
/// waiting for several rows at once could deadlock.
pub const RELEASE_EXPIRED: &str = concat!(
    "with lost as materialized ( \
       select id as picked from stack_runs where ",
    unheld!(),
    "and not (",
    poison!("{share aboard}"),
    ") order by id limit 100 {skip}) \
     update stack_runs set ",
    lost!("{share aboard}"),
    "from lost where id = picked returning id"
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

/// In a storm nothing that a slot held was to blame for being alone.
pub const IN_A_STORM: &str = "\
update stack_runs set aboard = null where status = 'processing' and lease_owner = $1 returning id";

/// Rows that a slot holds.
pub const HELD_BY: &str = "select id, epoch, case kind when 'task' then id else parent_stack_run_id end \
     from stack_runs where status = 'processing' and lease_owner = $1 order by id";

/// Frees one of them, waiting for whoever works on it; there were $3.
pub const RELEASE_HELD: &str = concat!(
    "update stack_runs set ",
    lost!("{share coalesce(aboard, $3)}"),
    "where id = $1 and status = 'processing' and lease_owner = $2 and not (",
    poison!("{share coalesce(aboard, $3)}"),
    ") returning id"
);

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
