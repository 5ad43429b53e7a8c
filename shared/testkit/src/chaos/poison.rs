//! C6: tasks that take down whoever runs them, among tasks that do not.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{
    Case, Verdict, check,
    person::Person,
    world::{Shape, World},
};

/// Fills its worker's memory until that ends itself.
const HOG: &str = "module.exports = async () => { const all = []; \
    for (;;) { const block = new Uint8Array(32 << 20); block.fill(7); all.push(block); } };";
/// The executor ends itself whenever it is about to run a task of this name.
const BOOM: &str = "module.exports = async () => 1;";
const BOOMS: usize = 2;
const HOGS: usize = 2;
/// Times that a run may take down its executor.
const MOST: usize = 3;

/// C6: 99 runs among four that crash their worker or the whole executor each time.
pub async fn poison(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let fault = case.fault.map_or_else(|| "poison:boom".to_owned(), |f| format!("{f},poison:boom"));
    // A worker may have less memory than one run's heap: the heap's own limit does not save it.
    let env = vec![("TASKER_WORKER_BYTES", "400000000"), ("TASKER_HEAP_BYTES", "4000000000")];
    let mut world = World::start(case, Shape { env, ..Shape::default() }).await?;
    let executor = world.fleet.index("deno-executor");
    world.fleet.kill(executor);
    world.fleet.members[executor].env.push(("TASKER_FAULT".into(), fault));
    world.fleet.start_all().await?;
    world.fleet.publish("hog", HOG).await?;
    world.fleet.publish("boom", BOOM).await?;
    let runs = 99;
    world.submit_mixed("clean", runs, 6).await?;
    let mut person = Person::default();
    let clean = world.settle(Duration::from_secs(120), &mut person).await?;
    verdict.must(clean.is_some(), || "the clean phase did not end".into());
    let clean = world.results("clean").await?;
    let mut poisonous = Vec::new();
    for name in ["boom", "hog", "boom", "hog"] {
        poisonous.push((name, world.fleet.submit(name, &Value::Null).await?));
    }
    world.submit_mixed("chaos", runs, 6).await?;
    let deaths = restarting(&mut world, executor, case.patience(), &mut person).await?;
    let open = world.open().await.unwrap_or(-1);
    verdict.must(open == 0, || format!("{open} runs are still open, {deaths} executors died"));
    verdict.must(deaths <= MOST * BOOMS, || format!("{deaths} executors died of {BOOMS} runs"));
    for (name, id) in poisonous {
        let wanted = if name == "boom" { "CrashLoop" } else { "HeapLimit" };
        let rows =
            world.db.rows(&format!("select status, error from task_runs where id = {id}")).await?;
        let text = |i: usize| rows[0][i].clone().unwrap_or_default();
        verdict.must(text(0) == "failed" && text(1).contains(wanted), || {
            format!("{name} is {}, error {}", text(0), text(1))
        });
    }
    let workers = world.fleet.log("deno-executor").matches("a worker process ended").count();
    let bystanders = world
        .db
        .number(
            "select count(*) from stack_runs s join task_runs t on t.id = s.parent_task_run_id \
            where t.task_name not in ('boom', 'hog') and s.epoch > s.attempt and s.kind = 'task'",
        )
        .await?;
    verdict.figure(format!(
        "{BOOMS} runs killed {deaths} executors and ended as CrashLoop, {HOGS} filled their worker's memory \
         ({workers} workers ended) and ended as HeapLimit; {runs} runs among them ended as without, {bystanders} \
         of them having lost a lease; {} calls waited for a person",
        person.recorded + person.released
    ));
    check::same(&clean, &world.results("chaos").await?, &mut verdict);
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

/// Starts the executor again whenever it has died, until everything has ended; answers how often.
async fn restarting(
    world: &mut World,
    executor: usize,
    limit: Duration,
    person: &mut Person,
) -> anyhow::Result<usize> {
    let began = Instant::now();
    let mut deaths = 0;
    while world.open().await != Some(0) && began.elapsed() < limit {
        if world.fleet.down(executor) {
            deaths += 1;
            // As who supervises it would: not at once.
            tokio::time::sleep(Duration::from_millis(500)).await;
            world.fleet.spawn(executor)?;
            world.fleet.ready(executor).await?;
        }
        person.look(world).await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if world.fleet.down(executor) {
        world.fleet.start_all().await?;
    }
    Ok(deaths)
}
