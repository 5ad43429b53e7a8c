//! C7: who has little to do is not kept waiting by who has much.

use std::time::{Duration, Instant};

use super::{
    Case, Verdict, check,
    person::Person,
    world::{Shape, World},
};

const QUIET: usize = 10;

/// C7: ten runs of somebody, alone and beside thousands of somebody else's.
pub async fn quiet_beside_noisy(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let noisy = case.size(1_000, 3_000);
    let env = vec![("RUST_LOG", "warn")];
    let mut world = World::start(case, Shape { env, ..Shape::default() }).await?;
    let mut person = Person::default();
    // Runs of another task stand for those of another owner.
    world.fleet.publish("quiet", super::tasks::MIXED).await?;
    submit(&world, "alone").await?;
    world.settle(Duration::from_secs(60), &mut person).await?;
    let alone = slowest(&world, "alone").await?;
    let began = Instant::now();
    for eight in 0..noisy / 8 {
        let inputs: Vec<_> =
            (0..8).map(|k| super::world::mixed("noisy", eight * 8 + k, 5)).collect();
        let sent = inputs.iter().map(|input| world.fleet.submit("mixed", input));
        futures::future::try_join_all(sent).await?;
    }
    let open = world.open().await.unwrap_or(0);
    submit(&world, "beside").await?;
    let settled = world.settle(Duration::from_secs(300), &mut person).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    let beside = slowest(&world, "beside").await?;
    verdict.figure(format!(
        "{QUIET} runs alone: slowest {:.2} s; beside {open} open ones of somebody else: {:.2} s; all {noisy} took \
         {:.0} s",
        alone.as_secs_f64(),
        beside.as_secs_f64(),
        began.elapsed().as_secs_f64()
    ));
    verdict.must(beside < alone * 2 + Duration::from_secs(2), || {
        format!("{beside:.1?} beside {open} runs, {alone:.1?} alone")
    });
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

async fn submit(world: &World, phase: &str) -> anyhow::Result<()> {
    for key in 0..QUIET {
        world.fleet.submit("quiet", &super::world::mixed(phase, key, 5)).await?;
    }
    Ok(())
}

/// The longest time from submission to end.
async fn slowest(world: &World, phase: &str) -> anyhow::Result<Duration> {
    let query = format!(
        "select cast(max(extract(epoch from ended_at - created_at)) * 1000 as bigint) from task_runs \
         where task_name = 'quiet' and input::text like '%\"{phase}\"%'"
    );
    Ok(Duration::from_millis(u64::try_from(world.db.number(&query).await?)?))
}
