//! A8 and B3: answers that never come, and answers that come under a wrong lease.

use std::time::Duration;

use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};

use super::{
    Case, Verdict, check,
    person::Person,
    world::{Shape, World, processor},
};

/// How long the service of B3 sits on its answer.
const HELD_MS: u64 = 600_000;

/// A8: the service does the effect and cuts the connection.
pub async fn unknown_outcomes(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let n = case.size(20, 200);
    let mut world = World::start(case, Shape::default()).await?;
    for key in 0..n {
        let ask = json!({ "key": format!("n{key}"), "phase": "a8", "i": 0, "cut": 1 });
        world.submit_one("wrappedoracle", "effect", &ask).await?;
        let ask = json!({ "key": format!("i{key}"), "phase": "a8", "i": 0, "cut": 1 });
        world.submit_one("gapi", "echo", &ask).await?;
    }
    let count = "select count(*) from stack_runs where status = 'needs_attention'";
    let busy = "select count(*) from stack_runs where status in ('pending', 'processing', 'pending_resume')";
    let began = std::time::Instant::now();
    while world.db.number(busy).await? > 0 && began.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let waiting = world.db.number(count).await?;
    verdict.must(waiting == n, || format!("{waiting} of {n} calls wait for a person"));
    let repeated = world.oracle.repeated().len();
    verdict
        .must(repeated == 0, || format!("{repeated} effects that must not repeat were repeated"));
    let mut person = Person::default();
    let settled = world.settle(case.patience(), &mut person).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    let failed =
        world.db.number("select count(*) from task_runs where status <> 'completed'").await?;
    verdict.must(failed == 0, || format!("{failed} runs failed"));
    verdict.figure(format!(
        "{n} unsafe calls: {repeated} repeated, {waiting} waited for a person, {} then recorded; {n} safe \
         ones: repeated under the same key, each recorded once",
        person.recorded
    ));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

/// B3: a call's answer is brought to its run 100 times, once under the lease that counts.
pub async fn stale_resumes(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut world = World::start(case, Shape::default()).await?;
    // The service's own answer must not come before the right one of these, however busy the machine.
    let ask = json!({ "key": "b3", "phase": "b3", "i": 0, "ms": [HELD_MS] });
    let options = json!({ "timeoutMs": HELD_MS });
    let input = json!({ "service": "gapi", "method": "echo", "ask": ask, "options": options });
    let run = world.fleet.submit("one", &input).await?;
    let query = format!(
        "select c.id, c.epoch, c.lease_owner, c.parent_stack_run_id from stack_runs c \
         where c.kind = 'call' and c.status = 'processing' and c.parent_task_run_id = {run}"
    );
    let mut rows = Vec::new();
    while rows.is_empty() {
        rows = world.db.rows(&query).await?;
    }
    let text = |i: usize| rows[0][i].clone().unwrap_or_default();
    let (id, epoch, root): (i64, i64, i64) = (text(0).parse()?, text(1).parse()?, text(3).parse()?);
    let stale = |k: i64| match k % 3 {
        0 => (epoch - 1 - k / 3, text(2)),
        1 => (epoch + 1 + k / 3, text(2)),
        _ => (epoch, format!("processor-{k}")),
    };
    let mut leases: Vec<(i64, String)> = (0..99).map(stale).collect();
    leases.push((epoch, text(2)));
    leases.shuffle(&mut StdRng::seed_from_u64(case.seed));
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for (e, owner) in leases {
        let right = e == epoch && owner == text(2);
        let body: Value = json!({ "stackRunId": root, "result": { "echo": { "i": if right { "right" } else { "stale" } } },
            "lease": { "stackRunId": id, "epoch": e, "owner": owner }, "seq": 0, "keep": false });
        let (status, _, _) = world.fleet.post("deno-executor", "/resume", &body).await?;
        match status {
            200 => accepted.push(right),
            409 => refused += 1,
            other => verdict.must(false, || format!("a resume answered {other}")),
        }
    }
    verdict.must(accepted == [true] && refused == 99, || {
        format!("accepted (right one?): {accepted:?}, refused {refused}")
    });
    world.fleet.ready(processor(&world)).await?;
    world.fleet.kick().await;
    let settled = world.settle(case.patience(), &mut Person::default()).await?;
    verdict.must(settled.is_some(), || "the run is still open".into());
    let result = world.db.rows(&format!("select result from task_runs where id = {run}")).await?;
    let result = result[0][0].clone().unwrap_or_default();
    verdict.must(result.contains("right"), || format!("the result is {result}"));
    verdict.figure(format!(
        "{} of 100 accepted, {refused} answered 409, the run has the right result",
        accepted.len()
    ));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}
