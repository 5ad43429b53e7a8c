//! A2: a process ends itself at a named point, before or after a commit or a request.

use std::time::{Duration, Instant};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{
    Case, Verdict, check,
    fleet::PROCESSOR,
    person::Person,
    world::{Shape, World},
};

/// Who ends where.
const POINTS: [(&str, &str); 19] = [
    (PROCESSOR, "claim.before"),
    (PROCESSOR, "claim.after"),
    (PROCESSOR, "commit.before"),
    (PROCESSOR, "commit.after"),
    (PROCESSOR, "send.before"),
    (PROCESSOR, "send.after"),
    (PROCESSOR, "execute.before"),
    (PROCESSOR, "execute.after"),
    (PROCESSOR, "take.after"),
    (PROCESSOR, "trigger.before"),
    (PROCESSOR, "sweep.after"),
    ("deno-executor", "image.after"),
    ("deno-executor", "advance.before"),
    ("deno-executor", "advance.after"),
    ("deno-executor", "record.after"),
    ("deno-executor", "step.before"),
    ("deno-executor", "step.after"),
    ("tasks", "submit.before"),
    ("tasks", "submit.after"),
];

/// Passes before the end: enough that some runs move on, few enough that it comes soon.
fn most_passes(point: &str) -> u64 {
    match point.split('.').next() {
        // They come once a second, and when an isolate was evicted.
        Some("sweep" | "record") => 2,
        Some("claim" | "commit" | "send" | "take" | "trigger" | "advance" | "step") => 30,
        _ => 8,
    }
}

/// What is submitted meanwhile.
struct Load {
    random: StdRng,
    tried: usize,
    /// Those that were acknowledged.
    runs: usize,
}

impl Load {
    /// Starts a process and submits runs until it ends, for four seconds at most; whether it did.
    async fn until_down(&mut self, world: &mut World, index: usize) -> anyhow::Result<bool> {
        world.fleet.spawn(index)?;
        let _ = world.fleet.ready(index).await;
        let loaded = Instant::now();
        while !world.fleet.down(index) && loaded.elapsed() < Duration::from_secs(4) {
            // Never the same key twice: a submit that was not acknowledged may have been made.
            self.tried += 1;
            let key = format!("p{}", self.tried);
            let input = serde_json::json!({ "key": key, "phase": "chaos", "n": 12 });
            // While `tasks` dies nothing is acknowledged.
            self.runs += usize::from(world.fleet.submit("mixed", &input).await.is_ok());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(world.fleet.down(index))
    }
}

/// Each point in turn, so many times, while runs go on.
pub async fn all(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let hits = case.size(1, 20);
    let mut load = Load { random: StdRng::seed_from_u64(case.seed), tried: 0, runs: 0 };
    let mut person = Person::default();
    // Few isolates stay parked, so that outcomes are recorded and runs resumed cold as well.
    let shape = Shape { env: vec![("TASKER_PARKED_BYTES", "16000000")], ..Shape::default() };
    let mut world = World::start(case, shape).await?;
    let points = if case.fault.is_some() { &POINTS[..2] } else { &POINTS[..] };
    let mut reached = Vec::new();
    for (service, point) in points {
        let index = world.fleet.index(service);
        let calm = world.fleet.members[index].env.clone();
        let mut left = hits;
        let began = Instant::now();
        while left > 0 && began.elapsed() < Duration::from_secs(40 + 3 * hits) {
            world.fleet.kill(index);
            world.fleet.members[index].env = calm.clone();
            let passes = load.random.random_range(1..=most_passes(point));
            let kill = format!("kill:{point}:{passes}");
            let fault = case.fault.map_or_else(|| kill.clone(), |f| format!("{f},{kill}"));
            world.fleet.members[index].env.push(("TASKER_FAULT".into(), fault));
            left -= u64::from(load.until_down(&mut world, index).await?);
        }
        reached.push((*point, hits - left));
        world.fleet.kill(index);
        world.fleet.members[index].env = calm;
        if let Some(fault) = case.fault {
            world.fleet.members[index].env.push(("TASKER_FAULT".into(), fault.into()));
        }
        world.fleet.start_all().await?;
        let _ = person.look(&mut world).await;
    }
    let settled = world.settle(case.patience(), &mut person).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    person.retry(&mut world, case.patience(), &mut verdict).await?;
    let runs = load.runs;
    let most = case.size(runs, runs / 5);
    verdict.must(person.retried <= most, || format!("{} runs were given up", person.retried));
    let missed: Vec<_> = reached.iter().filter(|(_, n)| *n < hits).collect();
    verdict.must(missed.is_empty(), || format!("points not reached {hits} times: {missed:?}"));
    let failed = "select task_name, id, error from task_runs where status = 'failed'";
    let failed = world.db.rows(failed).await?;
    verdict
        .must(failed.is_empty(), || format!("{} runs failed: {:?}", failed.len(), failed.first()));
    verdict.figure(format!(
        "{} points x {hits} ({}), {runs} runs x 12 steps; all ended {:.1} s after the last; {} calls waited for a person \
         ({} done, {} not); {} runs were killed thrice in a row and retried by a person",
        points.len(),
        reached.iter().map(|(point, n)| format!("{point} {n}")).collect::<Vec<_>>().join(", "),
        settled.unwrap_or_default().as_secs_f64(),
        person.recorded + person.released,
        person.recorded,
        person.released,
        person.retried
    ));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}
