//! The person who decides what no program can: whether a call happened, and whether a run that was
//! given up is tried again.

use std::time::Duration;

use serde_json::json;
use tasker_core::{StackRunId, json as raw};

use super::{Verdict, db::Db, world::World};

/// Decides about calls whose outcome nobody knows.
#[derive(Default)]
pub struct Person {
    /// Calls found done, and recorded.
    pub recorded: usize,
    /// Calls found not done, and sent again.
    pub released: usize,
    /// Runs that were given up as crash loops, though nothing but these tests killed their holders.
    pub retried: usize,
}

impl Person {
    /// Looks after every call that waits for a person. On SQLite tasker is stopped meanwhile: the
    /// file has one owner.
    pub async fn look(&mut self, world: &mut World) -> anyhow::Result<()> {
        let waiting = "select id from stack_runs where status = 'needs_attention'";
        let Ok(rows) = world.db.rows(waiting).await else { return Ok(()) };
        let ids: Vec<i64> = rows.iter().filter_map(|r| r[0].as_ref()?.parse().ok()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let embedded = matches!(world.db, Db::Sqlite(_));
        if embedded {
            world.fleet.kill_all();
        }
        // While faults go on the database may be away: another time.
        let done = self.decide(world, &ids).await;
        if embedded {
            done?;
            world.fleet.start_all().await?;
        }
        world.fleet.kick().await;
        Ok(())
    }

    /// Tries runs again that were given up as crash loops: a run may be killed thrice in a row by
    /// these tests, which nobody can tell from poison. The slower the machine, the more. Waits
    /// for their end.
    pub async fn retry(
        &mut self,
        world: &mut World,
        limit: Duration,
        verdict: &mut Verdict,
    ) -> anyhow::Result<()> {
        let late = world.db.late_changes().await?;
        verdict.must(late == 0, || format!("{late} rows changed after their end"));
        let given_up = "select id from task_runs where status = 'failed' and parent_stack_run_id is null \
            and cast(error as text) like '%CrashLoop%'";
        // Once more where a run was given up before it heard that its call had been.
        for _ in 0..3 {
            let found = world.db.rows(given_up).await?;
            if found.is_empty() {
                return Ok(());
            }
            world.db.forget_history().await?;
            for row in found {
                let id: i64 = row[0].clone().unwrap_or_default().parse()?;
                let body = json!({ "taskRunId": id });
                let (status, ..) = world.fleet.post("tasks", "/retry", &body).await?;
                self.retried += usize::from(status == 200);
            }
            let again = world.settle(limit, self).await?;
            verdict.must(again.is_some(), || "retried runs are still open".into());
        }
        Ok(())
    }

    async fn decide(&mut self, world: &World, ids: &[i64]) -> anyhow::Result<()> {
        let store = world.db.store().await?;
        for id in ids {
            let Some(claimed) = store.claim_attention(StackRunId(*id), "person").await? else {
                continue;
            };
            match world.oracle.answer_of(*id) {
                Some(answer) => {
                    let outcome = Ok(raw::parse(answer)?);
                    store.record(&claimed.row.lease, &outcome, 1).await?;
                    self.recorded += 1;
                }
                None => {
                    store.release(&claimed.row, 0).await?;
                    self.released += 1;
                }
            }
        }
        Ok(())
    }
}
