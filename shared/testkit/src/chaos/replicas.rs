//! A1r and A10: several executors and processors, and an executor that is lost with all that is parked
//! in it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    Case, Verdict, check,
    crash::kills_under_load,
    fleet::EXECUTOR,
    person::Person,
    world::{Shape, World},
};

/// Runs that are parked when their executor is lost.
const PARKED: i64 = 100;
/// Calls of each; the third waits at a gate.
const STEPS: i64 = 6;
const WAITING: &str = "module.exports = async ({ key, phase, gate }) => { const seen = []; \
    for (let i = 0; i < 6; i++) { \
        const ask = { key, phase, i }; \
        if (i === 2) ask.gate = [gate]; \
        if (i === 2 && key % 2) await __callHostTool__('wrappedoracle', 'effect', [ask]); \
        else await __callHostTool__('gapi', 'echo', [ask]); \
        seen.push(i); \
    } return seen; };";

/// A1r: as A1, with three executors and three processors, which the proxy shares the work among.
pub async fn random_kills(case: &Case) -> anyhow::Result<Verdict> {
    let shape = Shape { processors: 3, executors: 3, proxied: true, ..Shape::default() };
    kills_under_load(case, shape).await
}

/// A10: an executor is lost with a hundred runs parked in it: killed, and away while their calls
/// end; then told to end, and back before they do.
pub async fn executor_lost(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let rounds = case.size(1, 5);
    let shape = Shape { env: vec![("TASKER_CONCURRENCY", "200")], ..Shape::default() };
    let mut world = World::start(case, shape).await?;
    world.fleet.publish("waiting", WAITING).await?;
    let index = world.fleet.index(EXECUTOR);
    let (mut killed, mut ended) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let gate = 2 * round;
        let since = park(&world, gate).await?;
        world.fleet.kill(index);
        world.oracle.open(gate);
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.fleet.start_all().await?;
        killed.push(taken_again(&mut world, since, case, &mut verdict).await?);

        let since = park(&world, gate + 1).await?;
        let (_, code) = world.fleet.terminate(index).await?;
        verdict.must(code == Some(0), || format!("exit code {code:?}"));
        world.fleet.start_all().await?;
        world.oracle.open(gate + 1);
        ended.push(taken_again(&mut world, since, case, &mut verdict).await?);
    }
    verdict.figure(format!(
        "{rounds} x {PARKED} runs parked at kill -9, their calls ending while the executor was away: \
         executed again {killed:?} times; as many at SIGTERM, calls ending when it was back: {ended:?} times"
    ));
    // One that is away is tried again ever more slowly; one that is there replays each run once.
    for (again, most) in [(killed, 5 * PARKED), (ended, PARKED + PARKED / 5)] {
        let worst = again.into_iter().max().unwrap_or_default();
        verdict.must(worst <= most, || format!("{PARKED} runs were executed again {worst} times"));
    }
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

/// Submits the runs and waits until all wait at the gate; answers the last run before them.
async fn park(world: &World, gate: u64) -> anyhow::Result<i64> {
    let since = world.db.number("select coalesce(max(id), 0) from task_runs").await?;
    for key in 0..PARKED {
        let input = json!({ "key": key, "phase": format!("g{gate}"), "gate": gate });
        world.fleet.submit("waiting", &input).await?;
    }
    let waiting = format!(
        "select count(*) from stack_runs where kind = 'call' and seq = 2 and status = 'processing' \
         and parent_task_run_id > {since}"
    );
    let began = Instant::now();
    while world.db.number(&waiting).await? < PARKED {
        anyhow::ensure!(began.elapsed() < Duration::from_secs(60), "the runs do not come to wait");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(since)
}

/// Waits for the runs' ends; answers how often their code was taken to an executor again.
async fn taken_again(
    world: &mut World,
    since: i64,
    case: &Case,
    verdict: &mut Verdict,
) -> anyhow::Result<i64> {
    let mut person = Person::default();
    let settled = world.settle(case.patience(), &mut person).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    let doubt = person.recorded + person.released;
    verdict.must(doubt == 0, || format!("{doubt} calls waited for a person"));
    let runs = format!("from task_runs where id > {since}");
    let right = json!((0..STEPS).collect::<Vec<_>>()).to_string();
    let right =
        format!("select count(*) {runs} and status = 'completed' and result::text = '{right}'");
    let right = world.db.number(&right).await?;
    let others = format!("select error {runs} and status <> 'completed' limit 1");
    let others = world.db.rows(&others).await?;
    verdict.must(right == PARKED, || {
        format!("{right} of {PARKED} runs have the right result: {others:.300?}")
    });
    // Each lease of a root is one more execution, or a try at one.
    let again = format!(
        "select coalesce(sum(epoch - 1), 0) from stack_runs where kind = 'task' and parent_task_run_id > {since}"
    );
    world.db.number(&again).await
}
