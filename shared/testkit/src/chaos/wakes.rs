//! B: wake-ups that get lost, repeated and reordered; and none at all when nothing is to do.

use std::time::{Duration, Instant};

use super::{
    Case, Verdict, check,
    db::Db,
    fleet::{EXECUTOR, PROCESSOR},
    person::Person,
    proxy::Rules,
    sampler::Sampler,
    world::{Shape, World},
};

/// What goes on under the faults.
#[derive(Clone, Copy, Default)]
struct Load {
    processors: usize,
    runs: usize,
    n: usize,
    contested: usize,
}

async fn under(
    case: &Case,
    load: Load,
    rules: &[(&str, Rules)],
) -> anyhow::Result<(World, Verdict, Person, Option<Duration>)> {
    let Load { processors, runs, n, contested } = load;
    let mut verdict = Verdict::default();
    let mut person = Person::default();
    let shape = Shape { processors, proxied: true, ..Shape::default() };
    let mut world = World::start(case, shape).await?;
    if case.fault.is_none() {
        world.submit_mixed("clean", runs, n).await?;
        let clean = world.settle(Duration::from_secs(300), &mut person).await?;
        verdict.must(clean.is_some(), || "the clean phase did not end".into());
        verdict.figure(format!("clean {:.1} s", clean.unwrap_or_default().as_secs_f64()));
    }
    if let Some(proxy) = &world.proxy {
        rules.iter().for_each(|(name, rules)| proxy.rule(name, rules));
    }
    let clean = world.results("clean").await?;
    let began = Instant::now();
    let leases = Sampler::start(&world.db);
    // A lost acknowledgement is the client's to handle: submits go straight to the service.
    world.submit_contested("chaos", contested).await?;
    world.submit_mixed("chaos", runs, n).await?;
    let settled = world.settle(case.patience(), &mut person).await?;
    leases.stop(began, &mut verdict).await;
    verdict.must(settled.is_some(), || "runs are still open".into());
    if case.fault.is_none() {
        check::same(&clean, &world.results("chaos").await?, &mut verdict);
    }
    let took = settled.map(|_| began.elapsed());
    check::settled(&mut world, &mut verdict).await?;
    Ok((world, verdict, person, took))
}

fn report(found: (World, Verdict, Person, Option<Duration>), load: Load) -> Verdict {
    let Load { runs, n, .. } = load;
    let (world, mut verdict, person, took) = found;
    let counts = world.proxy.as_ref().map(super::proxy::Proxy::counts).unwrap_or_default();
    verdict.figure(format!(
        "{runs} runs x {n} steps in {:.1} s; requests: {counts}; {} calls waited for a person ({} done, {} not)",
        took.unwrap_or_default().as_secs_f64(),
        person.recorded + person.released,
        person.recorded,
        person.released
    ));
    verdict
}

/// B1: a fifth of the POSTs between services gets lost before, a fifth after it was acted upon.
pub async fn lost_posts(case: &Case) -> anyhow::Result<Verdict> {
    let (runs, n) = case.size((8, 10), (100, 20));
    let load = Load { runs, n, ..Load::default() };
    let lossy = Rules { drop_before: 0.2, drop_after: 0.2, ..Rules::default() };
    let names =
        [PROCESSOR, "own-0", EXECUTOR, "executor-0", "tasks", "wrappedkeystore", "wrappedsupabase"];
    let rules: Vec<(&str, Rules)> = names.into_iter().map(|name| (name, lossy.clone())).collect();
    Ok(report(under(case, load, &rules).await?, load))
}

/// B1b: no trigger ever arrives.
pub async fn no_triggers(case: &Case) -> anyhow::Result<Verdict> {
    let (runs, n) = case.size((6, 6), (20, 20));
    let load = Load { runs, n, ..Load::default() };
    let lossy = Rules { drop_before: 1.0, ..Rules::default() };
    let rules = [(PROCESSOR, lossy.clone()), ("own-0", lossy)];
    Ok(report(under(case, load, &rules).await?, load))
}

/// B2 with two processors (SQLite: with its one).
pub async fn duplicates_two(case: &Case) -> anyhow::Result<Verdict> {
    duplicates(case, if case.fault.is_some() { 4 } else { 2 }).await
}

/// B2 with eight.
pub async fn duplicates_eight(case: &Case) -> anyhow::Result<Verdict> {
    duplicates(case, 8).await
}

async fn duplicates(case: &Case, processors: usize) -> anyhow::Result<Verdict> {
    let (runs, n, contested) = case.size((12, 15, 40), (100, 20, 200));
    let load = Load { processors, runs, n, contested };
    let noisy = Rules { copies: 9, delay_ms: case.size(300, 2_000), ..Rules::default() };
    let own: Vec<String> = (0..processors).map(|k| format!("own-{k}")).collect();
    let mut rules: Vec<(&str, Rules)> =
        own.iter().map(|name| (name.as_str(), noisy.clone())).collect();
    rules.push((PROCESSOR, noisy));
    Ok(report(under(case, load, &rules).await?, load))
}

/// B6: after its work tasker asks the database nothing.
pub async fn idle(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let seconds = case.size(20, 60);
    let mut world = World::start(case, Shape::default()).await?;
    let Db::Postgres(url) = &world.db else { anyhow::bail!("Postgres only") };
    let (address, database) = url.rsplit_once('/').unwrap_or_default();
    let admin = Db::Postgres(format!("{address}/postgres"));
    admin.rows("alter system set autovacuum = off").await?;
    admin.rows("select pg_reload_conf()").await?;
    let count = format!(
        "select xact_commit + xact_rollback from pg_stat_database where datname = '{database}'"
    );
    world.submit_mixed("chaos", 4, 10).await?;
    world.settle(Duration::from_secs(60), &mut Person::default()).await?;
    // Leases of the past have no deadline left; the servers' own counts arrive late.
    tokio::time::sleep(Duration::from_secs(13)).await;
    let before = admin.number(&count).await?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let asked = admin.number(&count).await? - before;
    verdict.must(asked == 0, || format!("{asked} transactions in {seconds} idle seconds"));
    verdict.figure(format!("{asked} transactions in {seconds} idle seconds, six processes up"));
    Ok(verdict)
}
