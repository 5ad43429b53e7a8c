//! U1: a database that the release before left when it was killed, with runs in every state, is brought
//! up to date, and all of them end as they would have.

mod make;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    Case, Verdict, before, check,
    ground::Ground,
    person::Person,
    world::{Shape, World},
};
pub use make::make;

/// Runs in it, those that calls became included.
const RUNS: usize = 220;
/// Those of them that are paused.
const PAUSED: i64 = 20;

/// U1: they all end, but for those that are paused until somebody lets them go on.
pub async fn upgraded(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut world =
        World::start(case, Shape { ground: Ground::Release, ..Shape::default() }).await?;
    // What was held there is held no more, also for runs that had not come to it.
    [1, 2].into_iter().for_each(|gate| world.oracle.open(gate));
    let mut person = Person::default();
    let began = Instant::now();
    while world.open().await.is_none_or(|open| open > PAUSED) && began.elapsed() < case.patience() {
        person.look(&mut world).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let took = began.elapsed();
    let paused = "select parent_task_run_id from stack_runs where kind = 'task' and not runnable \
        and status not in ('completed', 'failed', 'cancelled')";
    let paused = world.db.rows(paused).await?;
    let open = world.open().await.unwrap_or_default();
    verdict.must(open == PAUSED && paused.len() == usize::try_from(PAUSED)?, || {
        format!("{open} runs are open, {} of them paused, instead of {PAUSED}", paused.len())
    });
    if verdict.broken.is_empty() {
        for run in paused.iter().filter_map(|row| row[0].as_deref()) {
            let body = json!({ "taskRunId": run.parse::<i64>()? });
            let (status, reply, _) = world.fleet.post("tasks", "/resume", &body).await?;
            verdict.must(status == 200, || format!("resume answered {status}: {reply}"));
        }
        let settled = world.settle(case.patience(), &mut person).await?;
        verdict.must(settled.is_some(), || "runs that were paused are still open".into());
        results(&world, &mut verdict).await?;
    }
    verdict.figure(format!(
        "{RUNS} runs ({}): {:.1} s after the start of this release all had ended but the {PAUSED} paused ones, and \
         those once they were let; {} calls waited for a person ({} done, {} not)",
        before::states(&world.db)?.join(", "),
        took.as_secs_f64(),
        person.recorded + person.released,
        person.recorded,
        person.released
    ));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

async fn results(world: &World, verdict: &mut Verdict) -> anyhow::Result<()> {
    let runs =
        "select id, input, coalesce(result, error) from task_runs where task_name = 'journey'";
    let runs = world.db.rows(runs).await?;
    verdict.must(runs.len() == RUNS, || format!("{} runs of {RUNS}", runs.len()));
    for run in runs {
        let text = |i: usize| run[i].as_deref().unwrap_or_default();
        let input: Value = serde_json::from_str(text(1))?;
        let right = expected(&input).to_string();
        verdict.must(text(2) == right, || {
            format!("run {} ({input}): {} instead of {right}", text(0), text(2))
        });
    }
    Ok(())
}

/// What a run answers: the number of each of its steps; for a run of its own, those of that.
fn expected(input: &Value) -> Value {
    let n = input["n"].as_u64().unwrap_or_default();
    let below = input["stop"].as_u64().filter(|_| input["how"] == "below");
    (0..n).map(|i| if below == Some(i) { json!([0, 1, 2]) } else { json!(i) }).collect()
}
