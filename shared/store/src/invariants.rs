//! What must hold of every run at any moment between two transactions, as queries that must find
//! nothing. Tests call [`check`] after each case and after each fault.

use crate::{Result, session::Session, value::Row, verbs};

/// Name, and a query that answers the ids of what breaks it.
const INVARIANTS: [(&str, &str); 14] = [
    (
        "a run ended exactly when its root did, in the same way",
        "select t.id from task_runs t left join stack_runs r \
           on r.parent_task_run_id = t.id and r.kind = 'task' \
         where r.id is null or (t.status = 'completed') <> (r.status = 'completed') \
           or (t.status = 'failed') <> (r.status = 'failed') \
           or (t.status = 'cancelled') <> (r.status = 'cancelled')",
    ),
    (
        "a row has a lease exactly while it is processing",
        "select id from stack_runs where (status = 'processing') <> (lease_owner is not null)",
    ),
    (
        "a suspended root waits for an open child of its own",
        "select r.id from stack_runs r left join stack_runs c \
           on c.id = r.waiting_on_stack_run_id and c.parent_stack_run_id = r.id and c.kind <> 'task' \
           and c.status not in ('completed', 'failed', 'cancelled') \
         where r.kind = 'task' and (r.status = 'suspended_waiting_child') <> (c.id is not null)",
    ),
    (
        "a suspended call waits for an open run below it",
        "select c.id from stack_runs c left join stack_runs n \
           on n.parent_stack_run_id = c.id and n.kind = 'task' \
           and n.status not in ('completed', 'failed', 'cancelled') \
         where c.kind <> 'task' and c.status = 'suspended_waiting_child' and n.id is null",
    ),
    (
        "somebody can move an open run, holds it, or is waited for",
        "select r.id from stack_runs r where r.kind = 'task' \
           and r.status = 'suspended_waiting_child' and r.runnable and not exists (select 1 from stack_runs c \
             where c.parent_stack_run_id = r.id and c.kind <> 'task' and (c.status in \
               ('processing', 'suspended_waiting_child', 'needs_attention') \
               or (c.status = 'pending' and c.runnable)))",
    ),
    (
        "one call of a run at a time",
        "select parent_task_run_id from stack_runs where kind = 'call' and runnable \
           and status in ('pending', 'processing', 'needs_attention') \
         group by parent_task_run_id having count(*) > 1",
    ),
    (
        "calls are numbered from 0 without a gap",
        "select r.id from stack_runs r left join stack_runs c \
           on c.parent_stack_run_id = r.id and c.kind <> 'task' \
         where r.kind = 'task' group by r.id, r.next_seq \
         having count(c.id) <> r.next_seq or coalesce(max(c.seq) + 1, 0) <> r.next_seq",
    ),
    (
        "outcomes are numbered in the order of delivery without a gap",
        "select r.id from stack_runs r left join stack_runs c \
           on c.parent_stack_run_id = r.id and c.kind <> 'task' and c.delivery is not null \
         where r.kind = 'task' group by r.id, r.deliveries \
         having count(distinct c.delivery) <> r.deliveries or count(c.id) <> r.deliveries \
           or coalesce(max(c.delivery) + 1, 0) <> r.deliveries",
    ),
    (
        "an outcome is there exactly when a row ended with one",
        "select id from stack_runs where (status = 'completed') <> (result is not null) \
           or (status = 'failed') <> (error is not null) \
           or (kind <> 'task' and (status in ('completed', 'failed')) <> (delivery is not null))",
    ),
    (
        "a run that ended left nothing open",
        "select c.id from stack_runs c join stack_runs r on r.id = c.parent_stack_run_id \
         where c.kind <> 'task' and r.status in ('completed', 'failed', 'cancelled') \
           and c.status not in ('completed', 'failed', 'cancelled')",
    ),
    (
        "nobody can claim rows of a paused run",
        "select c.id from stack_runs c join stack_runs r on r.id = c.parent_stack_run_id \
           and r.kind = 'task' and not r.runnable and c.kind <> 'task' \
         where c.runnable and c.status in ('pending', 'processing')",
    ),
    (
        "only what the end of its run cut off is marked so",
        "select id from stack_runs where at_end is not null \
           and status not in ('cancelled', 'failed')",
    ),
    (
        "a row is of a kind and in a state that the engine knows",
        "select id from stack_runs where kind not in ('task', 'call', 'timer') \
           or (kind = 'task') <> (seq = -1) or status not in ('pending', 'processing', \
             'suspended_waiting_child', 'pending_resume', 'completed', 'failed', 'cancelled', \
             'needs_attention')",
    ),
    (
        "no row was claimed more often than its epoch grew",
        "select id from stack_runs where epoch < attempt",
    ),
];

/// Broken invariants with the ids (ten at most) that break them; empty when all is well.
pub async fn check<S: Session>(mut s: S) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for (name, query) in INVARIANTS {
        let rows = s.query(query, vec![]).await?;
        if !rows.is_empty() {
            let ids = rows.into_iter().take(10).map(|mut r: Row| r.int());
            broken.push(format!("{name}: {:?}", ids.collect::<Result<Vec<_>>>()?));
        }
    }
    verbs::finish(s).await?;
    Ok(broken)
}
