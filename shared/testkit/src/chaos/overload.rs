//! C4 and C5: more clients than can be served, and a pool without a free connection.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::{Value, json};

use super::{
    Case, Verdict, check,
    person::Person,
    world::{Shape, World, mixed},
};

/// Runs that may be open in C4.
const CAP: i64 = 400;
const CLIENTS: usize = 1_000;
/// Open runs that clients made: those that calls become are never refused.
const SUBMITTED: &str = "select count(*) from task_runs \
    where status in ('pending', 'processing') and parent_stack_run_id is null";

/// What clients were told.
#[derive(Default)]
struct Told {
    accepted: Vec<i64>,
    refused: usize,
    /// Neither an id nor a refusal that says when to come back.
    otherwise: Vec<String>,
    slowest: Duration,
}

/// C4: a thousand clients offer four times as much as is done.
pub async fn four_times_capacity(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let cap = if case.fault == Some("nocap") { "0" } else { "400" };
    let env = vec![("TASKER_MAX_OPEN_RUNS", cap), ("RUST_LOG", "warn")];
    let mut world = World::start(case, Shape { env, ..Shape::default() }).await?;
    let base = rate(&mut world, "before").await?;
    let seconds = Duration::from_secs(case.size(10, 60));
    let told = Arc::<Mutex<Told>>::default();
    let pause = Duration::from_secs_f64(CLIENTS as f64 / (4.0 * base));
    let until = Instant::now() + seconds;
    let address = world.fleet.url("tasks");
    let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
    let clients = (0..CLIENTS).map(|k| client(http.clone(), &address, k, pause, until, &told));
    let watching = watch(&world, &http, until);
    let (_, (health, most_open)) = tokio::join!(join_all(clients), watching);
    let told = std::mem::take(&mut *lock(&told));
    let mut person = Person::default();
    let settled = world.settle(case.patience() * 2, &mut person).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    let done = "select count(*) from task_runs where status = 'completed' and task_name = 'mixed' \
        and input::text like '%\"storm\"%'";
    let done = usize::try_from(world.db.number(done).await?)?;
    let after = rate(&mut world, "after").await?;
    let (accepted, asked) = (told.accepted.len(), told.accepted.len() + told.refused);
    verdict.figure(format!(
        "{base:.0} runs a second before; {CLIENTS} clients then asked {asked} times in {} s: {accepted} accepted, \
         {} refused with Retry-After, slowest answer {:.1} s; at most {most_open} runs open; health p99 {:.0} ms; \
         {done} completed; {after:.0} runs a second afterwards",
        seconds.as_secs(),
        told.refused,
        told.slowest.as_secs_f64(),
        health.as_secs_f64() * 1e3
    ));
    verdict.must(told.otherwise.is_empty(), || {
        format!("{} answers were neither: {:?}", told.otherwise.len(), told.otherwise.first())
    });
    verdict.must(told.refused > 0 && most_open <= CAP + 50, || {
        format!("{} refused, {most_open} runs open", told.refused)
    });
    verdict.must(done == accepted, || format!("{accepted} accepted, {done} completed"));
    // The clients take half of the machine; the bounds are those of a stall, not of a fast answer.
    verdict.must(told.slowest < Duration::from_secs(10), || format!("{:?}", told.slowest));
    verdict.must(health < Duration::from_secs(2), || format!("health took {health:?}"));
    verdict.must(after > base / 2.0, || format!("{after:.0} runs a second, {base:.0} before"));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

fn lock(told: &Mutex<Told>) -> std::sync::MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs that are done in a second when nothing else is asked.
async fn rate(world: &mut World, phase: &str) -> anyhow::Result<f64> {
    let (runs, began) = (200, Instant::now());
    world.submit_mixed(phase, runs, 3).await?;
    world.settle(Duration::from_secs(300), &mut Person::default()).await?;
    Ok(runs as f64 / began.elapsed().as_secs_f64())
}

async fn client(
    http: reqwest::Client,
    address: &str,
    number: usize,
    pause: Duration,
    until: Instant,
    told: &Mutex<Told>,
) {
    for round in 0.. {
        let next = Instant::now() + pause;
        let input = mixed("storm", round * CLIENTS + number, 3);
        let body = json!({ "task_identifier": "mixed", "input": input });
        let began = Instant::now();
        let sent = http.post(format!("{address}/execute")).json(&body).send().await;
        let answer = read(sent).await;
        note(&mut lock(told), began.elapsed(), answer);
        if next >= until {
            return;
        }
        tokio::time::sleep_until(next.into()).await;
    }
}

fn note(told: &mut Told, took: Duration, answer: Result<Option<i64>, String>) {
    told.slowest = told.slowest.max(took);
    match answer {
        Ok(Some(id)) => told.accepted.push(id),
        Ok(None) => told.refused += 1,
        Err(what) => told.otherwise.push(what),
    }
}

/// The run's id; nothing if it was refused as it should be.
async fn read(sent: reqwest::Result<reqwest::Response>) -> Result<Option<i64>, String> {
    let reply = sent.map_err(|e| format!("{e:?}"))?;
    let status = reply.status().as_u16();
    let later = reply.headers().contains_key("retry-after");
    let text = reply.text().await.map_err(|e| e.to_string())?;
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    match (status, later, body["data"]["result"]["taskRunId"].as_i64()) {
        (200, _, Some(id)) => Ok(Some(id)),
        (429 | 503, true, _) => Ok(None),
        _ => Err(format!("{status}, Retry-After: {later}, {text:.100}")),
    }
}

/// The 99th of the health checks' times, and the most runs that were open.
async fn watch(world: &World, http: &reqwest::Client, until: Instant) -> (Duration, i64) {
    let (mut took, mut most) = (Vec::new(), 0);
    let health = format!("{}/health", world.fleet.url("tasks"));
    while Instant::now() < until {
        let began = Instant::now();
        let well = http.get(&health).send().await.is_ok_and(|r| r.status().is_success());
        took.push(if well { began.elapsed() } else { Duration::MAX });
        most = most.max(world.db.number(SUBMITTED).await.unwrap_or(0));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    took.sort();
    (took.get((took.len() * 99).div_ceil(100) - 1).copied().unwrap_or(Duration::MAX), most)
}

/// C5: ten slow queries hold every connection of a service.
pub async fn exhausted(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut world = World::start(case, Shape::default()).await?;
    world.db.rows("create view slow as select 1 as id, pg_sleep(9)::text as slept").await?;
    let ask = |table: &str| {
        let link = |property: &str, arg: &str| json!({ "property": property, "args": [arg] });
        json!({ "chain": [link("from", table), link("select", "*")] })
    };
    let (slow, quick) = (ask("slow"), ask("task_functions"));
    let one = async |body: &Value| {
        let began = Instant::now();
        (world.fleet.post_slowly("wrappedsupabase", body).await, began.elapsed())
    };
    let (held, (others, run)) = tokio::join!(join_all((0..10).map(|_| one(&slow))), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        // A run that needs the service waits and goes on.
        let run = world.fleet.submit("mixed", &mixed("c5", 0, 6)).await;
        (join_all((0..30).map(|_| one(&quick))).await, run)
    });
    let fine = held.iter().filter(|(r, _)| r.as_ref().is_ok_and(|r| r.0 == 200)).count();
    verdict.must(fine == 10, || format!("{fine} of 10 slow queries were answered"));
    let slowest = others.iter().map(|(_, took)| *took).max().unwrap_or_default();
    let refused =
        others.iter().filter(|(r, _)| r.as_ref().is_ok_and(|r| r.0 == 503 && r.1)).count();
    // Two seconds, and what a busy machine adds.
    verdict.must(refused == 30 && slowest < Duration::from_secs(5), || {
        format!("{refused} of 30 refused, the slowest after {slowest:.1?}")
    });
    let (after, took) = one(&quick).await;
    verdict.must(after.as_ref().is_ok_and(|r| r.0 == 200), || format!("afterwards: {after:?}"));
    let settled = world.settle(case.patience(), &mut Person::default()).await?;
    verdict.must(settled.is_some() && run.is_ok(), || "the run is still open".into());
    let failed =
        world.db.number("select count(*) from task_runs where status <> 'completed'").await?;
    verdict.must(failed == 0, || "the run failed".into());
    verdict.figure(format!(
        "10 queries of 9 s held every connection: {refused} of 30 others got 503 with Retry-After, the slowest \
         after {:.1} s; then a query took {} ms, and a run that had waited for the service completed",
        slowest.as_secs_f64(),
        took.as_millis()
    ));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}
