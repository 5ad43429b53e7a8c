//! C: many rows, and values that break parsers.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use super::{
    Case, Verdict, check, hostile,
    person::Person,
    world::{Shape, World},
};

/// C1: what a claim costs with 100 and with 10,000 rows waiting.
pub async fn deep_queue(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut world = World::start(case, Shape::default()).await?;
    world.fleet.kill_all();
    if case.fault == Some("noindex") {
        world.db.rows("drop index stack_runs_share").await?;
    }
    let few = claims(&world, 300).await?;
    let many = claims(&world, 10_000).await?;
    let at = |sorted: &[Duration], percent: usize| sorted[(sorted.len() - 1) * percent / 100];
    let (middle, many_middle) = (at(&few, 50), at(&many, 50));
    verdict.figure(format!(
        "claim p50/p99: {:.2}/{:.2} ms with 300 waiting, {:.2}/{:.2} ms with 10,000",
        ms(middle),
        ms(at(&few, 99)),
        ms(many_middle),
        ms(at(&many, 99))
    ));
    verdict.must(at(&many, 99) < Duration::from_millis(20), || {
        format!("p99 {:.1} ms", ms(at(&many, 99)))
    });
    // Medians: a busy machine shows in the 99th, a scan of the queue in the middle.
    verdict.must(many_middle < middle * 2, || {
        format!("p50 {:.2} ms, {:.2} ms with 300", ms(many_middle), ms(middle))
    });
    Ok(verdict)
}

fn ms(d: Duration) -> f64 {
    d.as_secs_f64() * 1_000.0
}

async fn claims(world: &World, waiting: usize) -> anyhow::Result<Vec<Duration>> {
    let fill = format!(
        "truncate task_runs, stack_runs cascade; \
         insert into task_runs (task_name, input) select 'mixed', '{{}}' from generate_series(1, {waiting}); \
         insert into stack_runs (parent_task_run_id, kind, service_name, method_name, args, idempotent) \
           select id, 'task', 'deno-executor', 'execute', '[]', true from task_runs; \
         analyze stack_runs"
    );
    world.db.rows(&fill).await?;
    let store = world.db.store().await?;
    let mut took = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        store.claim("chaos").await?.context("nothing to claim")?;
        took.push(began.elapsed());
    }
    took.drain(..20);
    took.sort();
    Ok(took)
}

/// Results in a type that has a normal form.
const JSONB: &str =
    "alter table stack_runs alter column result type jsonb using result::text::jsonb";
/// Results in a normal form on SQLite, whose types do not change what is stored.
const NORMAL_FORM: &str = "create trigger normal_form after update on stack_runs \
    when new.result is not null begin \
      update stack_runs set result = json(new.result) where id = new.id; end";

/// C3: answers that must be recorded byte for byte, and never leave a run stuck.
pub async fn hostile_json(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut world = World::start(case, Shape::default()).await?;
    if case.fault.is_some() {
        world.db.rows(if case.sqlite { NORMAL_FORM } else { JSONB }).await?;
    }
    let mut ids = Vec::new();
    for (index, _) in hostile::VALUES.iter().enumerate() {
        ids.push(
            world.submit_one("gapi", "echo", &json!({ "key": index, "hostile": index })).await?,
        );
    }
    let settled = world.settle(Duration::from_secs(40), &mut Person::default()).await?;
    verdict.must(settled.is_some(), || "a run is stuck".into());
    let mut same = 0;
    for (id, wanted) in ids.iter().zip(hostile::VALUES) {
        let query = format!(
            "select result from stack_runs where kind = 'call' and parent_task_run_id = {id}"
        );
        let found = world
            .db
            .rows(&query)
            .await?
            .into_iter()
            .next()
            .and_then(|r| r.into_iter().next().flatten());
        same += usize::from(found.as_deref() == Some(wanted));
        verdict.must(found.as_deref() == Some(wanted), || {
            format!("{wanted:.60} was recorded as {found:?}")
        });
    }
    let failed =
        world.db.number("select count(*) from task_runs where status <> 'completed'").await?;
    verdict.figure(format!(
        "{same} of {} answers recorded byte for byte; {failed} runs failed, none stuck",
        ids.len()
    ));
    verdict.must(failed == 0, || format!("{failed} runs failed"));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}
