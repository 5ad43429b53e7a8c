//! A6 and A7: processes that are stopped, politely or not.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    Case, Verdict, check,
    fleet::PROCESSOR,
    person::Person,
    proxy::Rules,
    world::{Shape, World, processor},
};

/// A6: a processor is stopped in the middle of a call for more than two leases; the other one takes
/// the call over; the first wakes up with an answer in its hand. And a call that takes three leases.
pub async fn zombie(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let shape = Shape { processors: 2, proxied: true, ..Shape::default() };
    let mut world = World::start(case, shape).await?;
    if let Some(proxy) = &world.proxy {
        // Each trigger reaches both.
        proxy.rule(PROCESSOR, &Rules { copies: 1, ..Rules::default() });
    }
    let long = json!({ "key": "long", "phase": "x", "i": 0, "nth": true, "ms": [30_000] });
    let long = world.submit_one("gapi", "echo", &long).await?;
    tokio::time::sleep(Duration::from_millis(400)).await;
    // The first request is answered while its processor is stopped, the second after it woke.
    let ask = json!({ "key": "zombie", "phase": "x", "i": 0, "nth": true, "ms": [2_000, 17_000] });
    let run = world.submit_one("gapi", "echo", &ask).await?;
    let owner = format!(
        "select lease_owner from stack_runs where kind = 'call' and parent_task_run_id = {run} and status = 'processing'"
    );
    let began = Instant::now();
    let mut holder = None;
    while holder.is_none() && began.elapsed() < Duration::from_secs(5) {
        holder = world
            .db
            .rows(&owner)
            .await?
            .into_iter()
            .next()
            .and_then(|r| r.into_iter().next().flatten());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let index = processor(&world) + usize::from(holder.as_deref() == Some("processor-1"));
    world.fleet.signal(index, "STOP")?;
    tokio::time::sleep(Duration::from_secs(22)).await;
    world.fleet.signal(index, "CONT")?;
    let mut person = Person::default();
    let settled = world.settle(Duration::from_secs(60), &mut person).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    let result = async |id: i64| -> anyhow::Result<(String, i64)> {
        let rows = world.db.rows(&format!("select result from task_runs where id = {id}")).await?;
        let call =
            format!("select id from stack_runs where kind = 'call' and parent_task_run_id = {id}");
        Ok((rows[0][0].clone().unwrap_or_default(), world.db.number(&call).await?))
    };
    let (zombie, row) = result(run).await?;
    let (_, long_row) = result(long).await?;
    let (sent, long_sent) = (world.oracle.effects_of(row), world.oracle.effects_of(long_row));
    verdict
        .must(zombie.contains("\"nth\":2"), || format!("the zombie's answer was taken: {zombie}"));
    verdict.figure(format!(
        "{} stopped for 22 s in a call: taken over, {sent} requests in all, the second's answer recorded; \
         the 30 s call: {long_sent} request(s)",
        holder.unwrap_or_default()
    ));
    // Whoever held the long call may have been the stopped one.
    verdict.must(long_sent <= 2 && sent == 2, || format!("{sent} and {long_sent} requests"));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

/// A7: SIGTERM to the processor under load, and its restart, again and again.
pub async fn drain(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let rounds = case.size(3, 20);
    let mut world = World::start(case, Shape::default()).await?;
    let index = processor(&world);
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        for k in 0..8 {
            let input = json!({ "key": format!("r{round}-{k}"), "phase": "drain", "n": 60 });
            world.fleet.submit("mixed", &input).await?;
            let slow = json!({ "key": format!("s{round}-{k}"), "phase": "drain", "i": 0, "ms": [700, 700] });
            world.submit_one("wrappedoracle", "effect", &slow).await?;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
        let (took, code) = world.fleet.terminate(index).await?;
        slowest = slowest.max(took);
        verdict.must(code == Some(0), || format!("exit code {code:?}"));
        let leases = world
            .db
            .number("select count(*) from stack_runs where lease_owner = 'processor-0'")
            .await?;
        verdict.must(leases == 0, || format!("{leases} leases left after the drain"));
        world.fleet.start_all().await?;
    }
    verdict.must(slowest < Duration::from_secs(25), || format!("a drain took {slowest:?}"));
    let mut person = Person::default();
    let settled = world.settle(case.patience(), &mut person).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    let crashes = world.db.number("select coalesce(sum(crashes), 0) from stack_runs").await?;
    verdict.must(crashes == 0, || format!("{crashes} leases were lost instead of given back"));
    let doubt = person.recorded + person.released;
    verdict.must(doubt == 0, || format!("{doubt} calls were left in doubt"));
    let again = world
        .db
        .number("select count(*) from stack_runs where kind = 'call' and attempt > 1")
        .await?;
    verdict.figure(format!(
        "{rounds} drains, slowest {:.1} s, no lease left, no crash charged; {again} calls given back unsent \
         and taken again",
        slowest.as_secs_f64()
    ));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}
