//! C9: services that refuse, break off, hang and cannot be reached.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    Case, Verdict, check,
    person::Person,
    world::{Shape, World},
};

/// A service at an address that nobody listens on.
const DOWN: &str = "wrappeddown";
/// First window of the retries that are measured.
const WINDOW_MS: u64 = 4_000;

/// C9.
pub async fn faults(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut world = World::start(case, Shape { down: Some(DOWN), ..Shape::default() }).await?;
    match case.fault {
        Some("nobreaker") => circuit(&mut world, &mut verdict).await?,
        Some("nojitter") => spread(&mut world, case, &mut verdict).await?,
        _ => {
            refusals(&mut world, &mut verdict).await?;
            spread(&mut world, case, &mut verdict).await?;
            circuit(&mut world, &mut verdict).await?;
        }
    }
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

async fn submit(world: &World, service: &str, ask: Value, options: Value) -> anyhow::Result<i64> {
    let method = if service == "gapi" { "echo" } else { "effect" };
    let input = json!({ "service": service, "method": method, "ask": ask, "options": options });
    world.fleet.submit("one", &input).await
}

/// The row of a run's one call.
async fn call_of(world: &World, run: i64) -> anyhow::Result<i64> {
    let query =
        format!("select id from stack_runs where kind = 'call' and parent_task_run_id = {run}");
    world.db.number(&query).await
}

/// 429 with Retry-After, 503, a connection that breaks off, and one that hangs.
async fn refusals(world: &mut World, verdict: &mut Verdict) -> anyhow::Result<()> {
    let ask = |key: &str| json!({ "key": key, "phase": "c9", "i": 0 });
    let with = |key: &str, name: &str, value: Value| {
        let mut ask = ask(key);
        ask[name] = value;
        ask
    };
    let short = json!({ "timeoutMs": 1_000 });
    let limited =
        submit(world, "gapi", with("limited", "limited", json!([2, 3])), json!({})).await?;
    let once =
        submit(world, "wrappedoracle", with("once", "limited", json!([2, 1])), json!({})).await?;
    let busy = submit(world, "gapi", with("busy", "busy", json!(3)), json!({})).await?;
    let reset = submit(world, "gapi", with("reset", "cut", json!(2)), json!({})).await?;
    let hangs = submit(world, "gapi", with("hangs", "hang", json!(1)), short.clone()).await?;
    let doubt = submit(world, "wrappedoracle", with("doubt", "hang", json!(1)), short).await?;
    let mut person = Person::default();
    let settled = world.settle(Duration::from_secs(120), &mut person).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    let failed =
        world.db.number("select count(*) from task_runs where status <> 'completed'").await?;
    verdict.must(failed == 0, || format!("{failed} runs failed"));
    let waited = gaps(world, limited).await?;
    verdict.must(waited.len() == 2 && waited.iter().all(|g| *g >= Duration::from_secs(3)), || {
        format!("asked again after {waited:?} though told 3 s")
    });
    for (what, run, requests) in
        [("429", once, 3), ("503", busy, 4), ("reset", reset, 3), ("hang", hangs, 2)]
    {
        let seen = gaps(world, run).await?.len() + 1;
        verdict.must(seen == requests, || format!("{what}: {seen} requests, not {requests}"));
    }
    let doubts = (person.recorded, person.released);
    let seen = world.oracle.requests_of(call_of(world, doubt).await?).len();
    verdict.must(doubts == (0, 1) && seen == 2, || {
        format!("an unsafe call that hung: {doubts:?} decided by a person, {seen} requests")
    });
    verdict.figure(format!(
        "429 with Retry-After 3: asked again after {:.1} and {:.1} s; 503, resets and a hang: repeated until answered; \
         an unsafe call that hung waited for a person",
        waited[0].as_secs_f64(),
        waited[1].as_secs_f64()
    ));
    Ok(())
}

/// Times between the requests of a run's call.
async fn gaps(world: &World, run: i64) -> anyhow::Result<Vec<Duration>> {
    let times = world.oracle.requests_of(call_of(world, run).await?);
    Ok(times.windows(2).map(|pair| pair[1] - pair[0]).collect())
}

/// Many calls refused at the same time do not come back at the same time.
async fn spread(world: &mut World, case: &Case, verdict: &mut Verdict) -> anyhow::Result<()> {
    let runs = case.size(200, 1_000);
    let options =
        json!({ "retry": { "attempts": 10, "backoffMs": WINDOW_MS, "maxBackoffMs": WINDOW_MS } });
    let mut ids = Vec::new();
    for key in 0..runs {
        let ask = json!({ "key": format!("j{key}"), "phase": "c9", "i": 0, "busy": 1 });
        ids.push(submit(world, "gapi", ask, options.clone()).await?);
    }
    let settled = world.settle(Duration::from_secs(180), &mut Person::default()).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    let mut bins = std::collections::BTreeMap::<u128, usize>::new();
    for id in &ids {
        let again = gaps(world, *id).await?.first().copied();
        verdict.must(again.is_some(), || format!("run {id} was not asked for again"));
        *bins.entry(again.unwrap_or_default().as_millis() / 100).or_default() += 1;
    }
    let fullest = bins.values().max().copied().unwrap_or(0) * 100 / ids.len();
    // Even, each of the 40 bins has 2.5 %.
    let most = case.size(10, 5);
    verdict.must(fullest <= most, || format!("{fullest} % of the retries came within 100 ms"));
    verdict.figure(format!(
        "{runs} calls refused once: no 100 ms after that had more than {fullest} % of the retries"
    ));
    Ok(())
}

/// A service that cannot be reached is soon left alone, and found again.
async fn circuit(world: &mut World, verdict: &mut Verdict) -> anyhow::Result<()> {
    let runs = 60;
    for key in 0..runs {
        let ask = json!({ "key": format!("d{key}"), "phase": "c9", "i": 0 });
        submit(world, DOWN, ask, json!({})).await?;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let log = world.fleet.log("simple-stack-processor");
    let tried = log.matches("cannot reach wrappeddown").count();
    let spared = log.matches("wrappeddown cannot be reached").count();
    let opened = log.matches("circuit open").count();
    // Sixteen at a time get as far as trying before the fifth failure is known; then one at a time.
    verdict.must(opened > 0 && tried <= 16 + 10 && spared > tried, || {
        format!("tried {tried} times, {spared} attempts spared, opened {opened} times")
    });
    world.come_up().await?;
    let began = Instant::now();
    let settled = world.settle(Duration::from_secs(150), &mut Person::default()).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    verdict.figure(format!(
        "{runs} calls to a service that was down for 10 s: {tried} attempts left, {spared} were spared by the circuit; \
         once it was up all ended within {:.0} s",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}
