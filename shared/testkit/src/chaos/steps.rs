//! A11 and A12: steps that are written together, and calls that go out before the step that makes them.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;

use super::{
    Case, Verdict, check,
    fleet::EXECUTOR,
    ground::Ground,
    person::Person,
    world::{Shape, World},
};

/// A step is written a moment after a call that goes ahead of it was answered.
const LATE: &str = "latestep";
/// Calls after calls; in the middle one asks for, or is answered, a character that Latin-1 has not.
const ODD: &str = "module.exports = async ({ key, phase, n, odd }) => { const seen = []; \
    for (let i = 0; i < n; i++) { \
        const ask = { key, phase, i }; \
        if (i === n / 2 && odd === 'asks') ask.word = String.fromCharCode(0x20ac); \
        if (i === n / 2 && odd === 'hears') ask.foreign = true; \
        try { seen.push((await __callHostTool__('gapi', 'echo', [ask])).echo.i); } \
        catch (error) { seen.push(error.name); } \
    } return seen; };";
const CALLS: usize = 8;
/// A safe call, then one that must not be repeated, and so on.
const TURNS: &str = "module.exports = async ({ key, phase, n }) => { const seen = []; \
    for (let i = 0; i < n; i++) { \
        const ask = { key, phase, i }; \
        if (i % 2) await __callHostTool__('wrappedoracle', 'effect', [ask]); \
        else await __callHostTool__('gapi', 'echo', [ask]); \
        seen.push(i); \
    } return seen; };";

/// A11: many runs step at once, and the database refuses what one of them asks for, or hears.
pub async fn refused_rows(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let (good, bad) = case.size((30, 2), (300, 20));
    let shape = Shape { ground: Ground::Latin1, fault: Some(LATE), ..Shape::default() };
    let mut world = World::start(case, shape).await?;
    world.fleet.publish("odd", ODD).await?;
    let of = good / bad;
    for key in 0..good + 2 * bad {
        // Among the others, so that they are written with them.
        let odd = match key % (of + 2) {
            k if k == of / 2 => "asks",
            k if k == of => "hears",
            _ => "",
        };
        let input = json!({ "key": key, "phase": "odd", "n": CALLS, "odd": odd });
        world.fleet.submit("odd", &input).await?;
    }
    let settled = world.settle(case.patience(), &mut Person::default()).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    let seen: Vec<usize> = (0..CALLS).collect();
    let mut heard = json!(seen);
    heard[CALLS / 2] = "StorageError".into();
    let ends = [
        ("", format!("status = 'completed' and result::text = '{}'", json!(seen)), good),
        ("asks", "status = 'failed' and error::text like '%database refused a value%'".into(), bad),
        ("hears", format!("status = 'completed' and result::text = '{heard}'"), bad),
    ];
    for (odd, end, count) in ends {
        let runs = format!("task_name = 'odd' and input::text like '%\"odd\":\"{odd}\"%'");
        let right = format!("select count(*) from task_runs where {runs} and {end}");
        let right = world.db.number(&right).await?;
        verdict.must(right == i64::from(count), || {
            format!("{right} of {count} runs that are odd in '{odd}' ended as they must")
        });
    }
    let again = "select coalesce(sum(s.epoch - 1), 0) from stack_runs s join task_runs t \
        on t.id = s.parent_task_run_id where s.kind = 'task' and t.input::text like '%\"odd\":\"\"%'";
    let again = world.db.number(again).await?;
    verdict.must(again == 0, || {
        format!("runs that asked for nothing odd went the long way {again} times")
    });
    // A call that somebody took over had its outcome lost, though its service had answered.
    let lost = world
        .db
        .number("select count(*) from stack_runs where kind = 'call' and epoch > 1")
        .await?;
    verdict.must(lost == 0, || format!("{lost} outcomes were lost with a step that was refused"));
    verdict.figure(format!(
        "{good} runs kept their steps among {} whose value the database refused: {bad} that asked for it \
         failed and say so, {bad} that were answered it caught an error",
        2 * bad
    ));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

/// A12: the executor ends itself before a step is written that a safe call went ahead of.
pub async fn ahead_of_the_commit(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let (runs, calls, kills) = case.size((15, 24, 5), (60, 40, 40));
    let mut world = World::start(case, Shape { fault: Some(LATE), ..Shape::default() }).await?;
    world.fleet.publish("turns", TURNS).await?;
    for key in 0..runs {
        let input = json!({ "key": key, "phase": "turns", "n": calls });
        world.fleet.submit("turns", &input).await?;
    }
    let killed = kill_before_steps(&mut world, case, kills).await?;
    let mut person = Person::default();
    let settled = world.settle(case.patience(), &mut person).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    person.retry(&mut world, case.patience(), &mut verdict).await?;
    let right = json!((0..calls).collect::<Vec<_>>());
    let right = format!(
        "select count(*) from task_runs where task_name = 'turns' and result::text = '{right}'"
    );
    let right = world.db.number(&right).await?;
    verdict.must(right == runs, || format!("{right} of {runs} runs have the right result"));
    let rows = world.db.rows("select id from stack_runs").await?;
    let rows: HashSet<i64> = rows.iter().filter_map(|r| r[0].as_ref()?.parse().ok()).collect();
    let forgotten = world.oracle.asked().into_iter().filter(|row| !rows.contains(row)).count();
    verdict.must(forgotten > 0 || case.fault.is_some(), || {
        "no call had gone ahead: nothing was shown".into()
    });
    verdict.figure(format!(
        "{runs} runs x {calls} steps, {killed} executors ended before a step; {forgotten} calls had gone ahead \
         of a commit that never came, none of which changes anything; {} calls waited for a person, {} runs \
         were given up and retried",
        person.recorded + person.released,
        person.retried
    ));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

/// Has the executor end itself again and again, as long as there is work; answers how often it did.
async fn kill_before_steps(world: &mut World, case: &Case, kills: usize) -> anyhow::Result<usize> {
    let mut random = StdRng::seed_from_u64(case.seed);
    // Where no call waits for a commit there are few.
    let passes = case.fault.map_or(3..=8, |_| 1..=1);
    let index = world.fleet.index(EXECUTOR);
    let calm = world.fleet.members[index].env.clone();
    let mut killed = 0;
    for _ in 0..kills {
        let passes = random.random_range(passes.clone());
        world.fleet.kill(index);
        for (name, value) in &mut world.fleet.members[index].env {
            if name == "TASKER_FAULT" {
                value.push_str(&format!(",kill:step.before:{passes}"));
            }
        }
        world.fleet.spawn(index)?;
        let began = Instant::now();
        while !world.fleet.down(index)
            && world.open().await != Some(0)
            && began.elapsed() < Duration::from_secs(10)
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        killed += usize::from(world.fleet.down(index));
        world.fleet.members[index].env.clone_from(&calm);
    }
    world.fleet.kill(index);
    world.fleet.start_all().await?;
    Ok(killed)
}
