//! A13: a processor of which nothing is heard, though it works.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    Case, Verdict, check,
    person::Person,
    world::{Shape, World, processor},
};

/// Safe calls that were taken over.
const AGAIN: &str = "idempotent and epoch > 1 and status = 'processing'";
/// Those that must not be repeated.
const DOUBT: &str = "status = 'needs_attention'";

/// A13: a processor works on while none of its heartbeats arrives. What it holds is taken over, what
/// must not be repeated waits for a person, and the answers that it then brings change nothing.
pub async fn holder(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let n = case.size(4, 8);
    let mut world = holding(case, n).await?;
    let held =
        until(&world, "status = 'processing' and lease_owner = 'processor-0'", 2 * n).await?;
    verdict.must(held, || "the silent processor did not take everything".into());
    let began = Instant::now();
    world.fleet.start_all().await?;
    let taken = until(&world, AGAIN, n).await? && until(&world, DOUBT, n).await?;
    verdict.must(taken, || "what the silent one holds was not taken over".into());
    let took = began.elapsed();
    let others = count(&world, "lease_owner = 'processor-1'").await?;
    // Now it brings its answers.
    world.oracle.open(1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let left = (count(&world, AGAIN).await?, count(&world, DOUBT).await?);
    verdict.must(left == (n, n), || {
        format!(
            "late answers were taken: {} safe and {} unsafe calls of {n} each are left",
            left.0, left.1
        )
    });
    world.oracle.open(2);
    let mut person = Person::default();
    let settled = world.settle(case.patience(), &mut person).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    for (service, nth) in [("wrappedgapi", 2), ("wrappedoracle", 1)] {
        let right = format!(
            "service_name = '{service}' and status = 'completed' and result::text like '%\"nth\":{nth}%'"
        );
        let right = count(&world, &right).await?;
        verdict.must(right == n, || format!("{right} of {n} calls of {service} have answer {nth}"));
    }
    verdict.figure(format!(
        "{} calls held without a heartbeat: after {:.1} s {n} safe ones had been taken over, {others} of them by \
         the other processor, and {n} unsafe ones waited for a person; the late answers to all changed nothing; \
         the person recorded {}",
        2 * n,
        took.as_secs_f64(),
        person.recorded
    ));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

/// A world with so many calls of each kind, before its second processor is there. They are answered
/// when a gate is opened, another one for each time that they are sent.
async fn holding(case: &Case, n: i64) -> anyhow::Result<World> {
    let shape = Shape { processors: 2, proxied: true, ..Shape::default() };
    let mut world = World::start(case, shape).await?;
    let index = processor(&world);
    world.fleet.kill(index + 1);
    world.fleet.kill(index);
    let faults: Vec<&str> = case.fault.into_iter().chain(["nobeat"]).collect();
    world.fleet.members[index].env.push(("TASKER_FAULT".into(), faults.join(",")));
    world.fleet.spawn(index)?;
    world.fleet.ready(index).await?;
    for key in 0..n {
        for (service, method) in [("gapi", "echo"), ("wrappedoracle", "effect")] {
            let key = format!("{method}{key}");
            let ask = json!({ "key": key, "phase": "x", "i": 0, "nth": true, "gate": [1, 2] });
            world.submit_one(service, method, &ask).await?;
        }
    }
    Ok(world)
}

async fn count(world: &World, what: &str) -> anyhow::Result<i64> {
    let calls = format!("select count(*) from stack_runs where kind = 'call' and {what}");
    world.db.number(&calls).await
}

/// Waits until so many calls are like this; false if they do not come to be.
async fn until(world: &World, what: &str, n: i64) -> anyhow::Result<bool> {
    let began = Instant::now();
    while count(world, what).await? != n {
        if began.elapsed() > Duration::from_secs(40) {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(true)
}
