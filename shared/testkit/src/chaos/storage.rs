//! A3 and A4: the database crashes, and what was acknowledged must be there.

use std::time::{Duration, Instant};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;

use super::{
    Case, Verdict, check,
    ground::Ground,
    person::Person,
    world::{Shape, World, mixed},
};

/// A3: Postgres crashes again and again under load, then stays down.
pub async fn postgres_crashes(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let (runs, crashes, down) = case.size((20, 3, 5), (100, 10, 30));
    let mut world =
        World::start(case, Shape { ground: Ground::LazyDisk, ..Shape::default() }).await?;
    let mut person = Person::default();
    let ids = world.submit_mixed("chaos", runs, 30).await?;
    let mut random = StdRng::seed_from_u64(case.seed);
    for _ in 0..crashes {
        tokio::time::sleep(Duration::from_millis(random.random_range(300..=1_500))).await;
        world.crash_postgres(Duration::ZERO).await?;
    }
    let (refusal, ()) = tokio::join!(refusal(&world), async {
        let _ = world.crash_postgres(Duration::from_secs(down)).await;
    });
    let (status, retry_after) = refusal;
    verdict.must(status == 503 && retry_after, || {
        format!("while Postgres was down a submit answered {status}, Retry-After: {retry_after}")
    });
    let back = Instant::now();
    while world
        .fleet
        .submit("leaf", &json!({ "key": "k", "phase": "after", "i": 0 }))
        .await
        .is_err()
        && back.elapsed() < Duration::from_secs(20)
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let reconnected = back.elapsed();
    verdict.must(reconnected < Duration::from_secs(5), || {
        format!("reconnected after {reconnected:?}")
    });
    let dead = (0..world.fleet.members.len()).filter(|i| world.fleet.down(*i)).count();
    verdict.must(dead == 0, || format!("{dead} services ended with Postgres"));
    let settled = world.settle(case.patience(), &mut person).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    let missing = missing(&world, &ids).await?;
    verdict.must(missing == 0, || format!("{missing} acknowledged runs are missing"));
    verdict.figure(format!(
        "{} runs, {crashes} crashes, then {down} s down: 0 of them lost; submits then answered {status} \
         with Retry-After; first submit {} ms after Postgres was back; all ended {:.1} s later; {} calls \
         waited for a person",
        ids.len(),
        reconnected.as_millis(),
        settled.unwrap_or_default().as_secs_f64(),
        person.recorded + person.released
    ));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

/// What a submit is told while Postgres is down.
async fn refusal(world: &World) -> (u16, bool) {
    tokio::time::sleep(Duration::from_secs(2)).await;
    let body =
        json!({ "task_identifier": "leaf", "input": { "key": "k", "phase": "down", "i": 0 } });
    match world.fleet.post("tasks", "/execute", &body).await {
        Ok((status, _, retry_after)) => (status, retry_after),
        Err(_) => (0, false),
    }
}

/// A4: clients note every submit that was acknowledged; then everything is killed.
pub async fn acknowledged(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let rounds = case.size(4, 50);
    let mut world =
        World::start(case, Shape { ground: Ground::LazyDisk, ..Shape::default() }).await?;
    let mut random = StdRng::seed_from_u64(case.seed);
    let mut ids = Vec::new();
    let mut refused = 0;
    for round in 0..rounds {
        let until = Instant::now() + Duration::from_millis(random.random_range(100..=600));
        while Instant::now() < until {
            let key = ids.len();
            let inputs: Vec<_> =
                (0..4).map(|k| mixed("chaos", round * 100_000 + key + k, 2)).collect();
            let four = inputs.iter().map(|input| world.fleet.submit("mixed", input));
            for answer in futures::future::join_all(four).await {
                match answer {
                    Ok(id) => ids.push(id),
                    Err(_) => refused += 1,
                }
            }
        }
        world.fleet.kill_all();
        if !case.sqlite {
            world.crash_postgres(Duration::ZERO).await?;
        }
        world.fleet.start_all().await?;
    }
    let missing = missing(&world, &ids).await?;
    verdict
        .must(missing == 0, || format!("{missing} of {} acknowledged runs are missing", ids.len()));
    verdict.must(!ids.is_empty(), || "nothing was acknowledged".into());
    verdict.figure(format!(
        "{rounds} rounds, {} submits acknowledged, {refused} not: {missing} missing",
        ids.len()
    ));
    if case.fault.is_none() {
        let mut person = Person::default();
        let settled = world.settle(case.patience() * 2, &mut person).await?;
        verdict.must(settled.is_some(), || "runs are still open".into());
        check::settled(&mut world, &mut verdict).await?;
    }
    Ok(verdict)
}

async fn missing(world: &World, ids: &[i64]) -> anyhow::Result<usize> {
    let rows = world.db.rows("select id from task_runs").await?;
    let there: std::collections::HashSet<i64> =
        rows.iter().filter_map(|r| r[0].as_ref()?.parse().ok()).collect();
    let mut unique = ids.to_vec();
    unique.sort_unstable();
    unique.dedup();
    // An id that was given twice stands for a run that was lost.
    Ok(ids.iter().filter(|id| !there.contains(id)).count() + ids.len() - unique.len())
}
