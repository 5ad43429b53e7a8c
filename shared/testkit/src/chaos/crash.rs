//! A1 and A5: services killed at random, and all of them at once.

use std::time::{Duration, Instant};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{
    Case, Verdict, check,
    db::Db,
    person::Person,
    world::{Shape, World, victims},
};

/// A1: kill -9 of a random service every 50 to 500 ms, each back after 0 to 2 s.
pub async fn random_kills(case: &Case) -> anyhow::Result<Verdict> {
    kills_under_load(case, Shape::default()).await
}

/// A1 in a world of this shape.
pub async fn kills_under_load(case: &Case, shape: Shape) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let (runs, calls, kills) = case.size((40, 25, 20), (100, 50, 200));
    // Work enough for as long as the kills go on: what is left waits for the person, who comes after.
    let runs = if case.sqlite { case.size(runs, 5 * runs) } else { runs };
    let mut world = World::start(case, shape).await?;
    let mut person = Person::default();
    if case.fault.is_none() {
        world.submit_mixed("clean", runs, calls).await?;
        let clean = world.settle(Duration::from_secs(300), &mut person).await?;
        verdict.must(clean.is_some(), || "the clean phase did not end".into());
        verdict.figure(format!("clean {:.1} s", clean.unwrap_or_default().as_secs_f64()));
    }
    let clean = world.results("clean").await?;
    let began = Instant::now();
    let ids = world.submit_mixed("chaos", runs, calls).await?;
    kill_at_random(&mut world, case.seed, kills, &mut person).await?;
    let after = Instant::now();
    let settled = world.settle(case.patience(), &mut person).await?;
    verdict.must(settled.is_some(), || {
        format!("runs were still open {:?} after the last restart", case.patience())
    });
    person.retry(&mut world, case.patience(), &mut verdict).await?;
    // Those that were hit each time they ran alone: nobody can tell them from poison.
    let most = runs / 10;
    verdict.must(person.retried <= most, || format!("{} runs were given up", person.retried));
    let repeats = world.db.number("select coalesce(sum(attempt - 1), 0) from stack_runs where kind = 'call' and attempt > 1").await?;
    let steps = world
        .db
        .number("select count(*) from stack_runs where kind <> 'task' and status = 'completed'")
        .await?;
    let stall = stall(&world.db).await?;
    verdict.figure(format!(
        "{} runs x {calls} steps, {kills} kills in {:.0} s, all ended {:.1} s after the last restart; \
         {steps} steps recorded in both phases, {repeats} calls taken again, {} waited for a person \
         ({} done, {} not), {} runs were given up and retried by a person; longest gap between \
         steps {:.1} s",
        ids.len(),
        (after - began).as_secs_f64(),
        settled.unwrap_or_default().as_secs_f64(),
        person.recorded + person.released,
        person.recorded,
        person.released,
        person.retried,
        stall.as_secs_f64(),
    ));
    // A lease and what a sweep needs; more shows that nobody looked.
    let most = Duration::from_secs(case.size(60, 16));
    verdict.must(stall < most, || format!("nothing moved for {stall:?}"));
    if case.fault.is_none() {
        check::same(&clean, &world.results("chaos").await?, &mut verdict);
    }
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

async fn kill_at_random(
    world: &mut World,
    seed: u64,
    kills: usize,
    person: &mut Person,
) -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let ms = Duration::from_millis;
    let mut back: Vec<(Instant, usize)> = Vec::new();
    let embedded = matches!(world.db, Db::Sqlite(_));
    for _ in 0..kills {
        let next = Instant::now() + ms(random.random_range(50..=500));
        while Instant::now() < next {
            let due: Vec<usize> =
                back.iter().filter(|(at, _)| *at <= Instant::now()).map(|(_, i)| *i).collect();
            back.retain(|(_, i)| !due.contains(i));
            due.into_iter().try_for_each(|i| world.fleet.spawn(i))?;
            tokio::time::sleep(ms(5)).await;
        }
        let victim = random.random_range(0..victims(world));
        // The one process of an embedded tasker is everything: it comes back sooner.
        let rest = ms(random.random_range(0..=if embedded { 300 } else { 2_000 }));
        if back.iter().all(|(_, i)| *i != victim) {
            world.fleet.kill(victim);
            back.push((Instant::now() + rest, victim));
        }
        if !embedded {
            // It may find the database busy; the settling at the end looks again.
            let _ = person.look(world).await;
        }
    }
    world.fleet.start_all().await
}

/// The longest time in which no step ended, among the steps of the second phase.
async fn stall(db: &Db) -> anyhow::Result<Duration> {
    let ms = match db {
        Db::Postgres(_) => "extract(epoch from ended_at) * 1000",
        Db::Sqlite(_) => "ended_at",
    };
    let gaps = format!(
        "select cast(coalesce(max(gap), 0) as bigint) from (select {ms} - lag({ms}) over (order by ended_at) as gap \
         from stack_runs where ended_at is not null and parent_task_run_id > \
           (select coalesce(max(id), 0) from task_runs where cast(input as text) like '%\"clean\"%')) g"
    );
    Ok(Duration::from_millis(u64::try_from(db.number(&gaps).await?)?))
}

/// A5: everything killed with many runs open, everything started, and nobody asks for anything.
pub async fn cold_restart(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let runs = case.size(150, 1_000);
    let mut world = World::start(case, Shape::default()).await?;
    world.submit_mixed("chaos", runs, 6).await?;
    world.fleet.kill_all();
    let open = world.open().await.unwrap_or(0);
    let ended = "select count(*) from stack_runs where ended_at is not null";
    let before = world.db.number(ended).await?;
    world.fleet.start_all().await?;
    let began = Instant::now();
    while world.db.number(ended).await? == before && began.elapsed() < case.patience() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let first = began.elapsed();
    // Without a person's kicks: a call that is in doubt is looked after at the end.
    let limit = Duration::from_secs(case.size(60, 300)).min(case.patience() * case.size(1, 3));
    let left = until_only_doubt_is_left(&world, limit).await?;
    let took = began.elapsed();
    let mut person = Person::default();
    let settled = world.settle(Duration::from_secs(20), &mut person).await?;
    verdict.figure(format!(
        "{open} runs open at the kill; first step {} ms after all answered, all ended after {:.1} s; \
         {} calls in doubt",
        first.as_millis(),
        took.as_secs_f64(),
        person.recorded + person.released
    ));
    verdict.must(open > i64::try_from(runs / 2)?, || format!("only {open} runs were open"));
    verdict.must(first < Duration::from_secs(2), || format!("the first step came after {first:?}"));
    verdict.must(left == 0 && settled.is_some(), || format!("{left} runs never moved again"));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

async fn until_only_doubt_is_left(world: &World, limit: Duration) -> anyhow::Result<i64> {
    let moving = "select count(*) from task_runs t where status not in ('completed', 'failed', 'cancelled') \
        and not exists (select 1 from stack_runs c where c.parent_task_run_id = t.id and c.status = 'needs_attention') \
        and not exists (select 1 from stack_runs c join task_runs n on n.parent_stack_run_id = c.id \
          join stack_runs d on d.parent_task_run_id = n.id and d.status = 'needs_attention' \
          where c.parent_task_run_id = t.id)";
    let began = Instant::now();
    loop {
        let left = world.db.number(moving).await?;
        if left == 0 || began.elapsed() > limit {
            return Ok(left);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
