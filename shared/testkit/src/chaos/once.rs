//! A8b: changes of tables whose answers get lost, and whose service dies under them.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    Case, Verdict, check,
    person::Person,
    proxy::Rules,
    world::{Shape, World},
};

/// Adds rows to a table, and returns the numbers that the database gave them.
const WRITE: &str = "module.exports = async ({ key, n }) => { const ids = []; \
    for (let i = 0; i < n; i++) { \
        const row = { name: `${key}-${i}` }; \
        const links = [{ property: 'from', args: ['ledger'] }, { property: 'insert', args: [row] }, { property: 'select' }]; \
        const retry = { attempts: 100, backoffMs: 50, maxBackoffMs: 400 }; \
        const { data, error } = await __callHostTool__('database', links, undefined, { retry }); \
        if (error) throw new Error(error.message); \
        ids.push(data[0].id); \
    } return ids; };";

/// A8b: of the answers of wrappedsupabase a part gets lost before and a part after the change, and it
/// is killed again and again. Each row is there once, and the runs have its number.
pub async fn lost_answers(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let (runs, n, kills) = case.size((8, 5, 4), (40, 10, 30));
    let mut world = World::start(case, Shape { proxied: true, ..Shape::default() }).await?;
    let id = if case.sqlite { "integer primary key" } else { "serial primary key" };
    world.db.rows(&format!("create table ledger (id {id}, name text not null)")).await?;
    world.fleet.publish("write", WRITE).await?;
    let proxy = world.proxy.as_ref().context("no proxy")?;
    proxy.rule("wrappedsupabase", &Rules { drop_before: 0.1, drop_after: 0.4, ..Rules::default() });
    let mut ids = BTreeMap::new();
    for key in 0..runs {
        let input = json!({ "key": format!("w{key}"), "n": n });
        ids.insert(format!("w{key}"), world.fleet.submit("write", &input).await?);
    }
    kill(&mut world, case.seed, kills).await?;
    let mut person = Person::default();
    let settled = world.settle(case.patience(), &mut person).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    person.retry(&mut world, case.patience(), &mut verdict).await?;
    let waited = person.recorded + person.released;
    verdict.must(waited == 0, || format!("{waited} calls waited for a person"));
    let rows = rows(&world).await?;
    let twice = rows.values().filter(|ids| ids.len() > 1).count();
    verdict.must(twice == 0, || format!("{twice} rows were written more than once"));
    verdict.must(rows.len() == runs * n, || format!("{} rows of {}", rows.len(), runs * n));
    numbers(&world, &ids, &rows, &mut verdict).await?;
    let again = "select coalesce(sum(attempt - 1), 0) from stack_runs where kind = 'call'";
    let again = world.db.number(again).await?;
    let counts = world.proxy.as_ref().map_or_else(String::new, |p| p.counts());
    verdict.must(again > 0, || "no call was repeated: nothing was shown".into());
    verdict.figure(format!(
        "{runs} runs x {n} inserts, {kills} kills, requests: {counts}; {again} calls taken again, \
         {twice} rows written twice, {waited} calls waited for a person, {} runs were given up and \
         retried",
        person.retried
    ));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

/// Kills the service (on SQLite the one process) at random moments; it comes back at once.
async fn kill(world: &mut World, seed: u64, kills: usize) -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let victim = world.fleet.index("wrappedsupabase");
    let began = Instant::now();
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(random.random_range(100..=700))).await;
        if world.open().await == Some(0) || began.elapsed() > Duration::from_secs(60) {
            break;
        }
        world.fleet.kill(victim);
        world.fleet.spawn(victim)?;
        world.fleet.ready(victim).await?;
    }
    Ok(())
}

/// Numbers of the rows by name.
async fn rows(world: &World) -> anyhow::Result<BTreeMap<String, Vec<i64>>> {
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in world.db.rows("select name, id from ledger").await? {
        let text = |i: usize| row[i].clone().unwrap_or_default();
        found.entry(text(0)).or_default().push(text(1).parse()?);
    }
    Ok(found)
}

/// Each run was told the numbers that its rows have.
async fn numbers(
    world: &World,
    ids: &BTreeMap<String, i64>,
    rows: &BTreeMap<String, Vec<i64>>,
    verdict: &mut Verdict,
) -> anyhow::Result<()> {
    for (key, id) in ids {
        let query =
            format!("select status, coalesce(result, error) from task_runs where id = {id}");
        let run = world.db.rows(&query).await?.into_iter().next().context("the run is gone")?;
        let said = run[1].clone().unwrap_or_default();
        let told: Vec<Value> = serde_json::from_str(&said).unwrap_or_default();
        let has = |(i, told): (usize, &Value)| {
            rows.get(&format!("{key}-{i}")).is_some_and(|ids| ids.iter().any(|id| told == id))
        };
        let right = !told.is_empty() && told.iter().enumerate().all(has);
        verdict.must(right, || format!("run {key} is {:?} and was told {said:.200}", run[0]));
    }
    Ok(())
}
