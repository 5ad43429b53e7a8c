//! B5: services whose clocks are an hour off, and one that steps back while runs go on.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use serde_json::json;

use super::{
    Case, Verdict, check,
    fleet::PROCESSOR,
    person::Person,
    proxy::Rules,
    world::{Shape, World},
};

/// Where Debian's package `faketime` puts its library.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// B5: half of the services live an hour ahead, half an hour behind; then all clocks change sides.
pub async fn off_by_an_hour(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let library = library().context("libfaketime is missing: install the package faketime")?;
    let (runs, n) = case.size((10, 12), (40, 30));
    let mut world =
        World::start(case, Shape { processors: 2, proxied: true, ..Shape::default() }).await?;
    if let Some(proxy) = &world.proxy {
        // Each trigger reaches both.
        proxy.rule(PROCESSOR, &Rules { copies: 1, ..Rules::default() });
    }
    world.submit_mixed("clean", runs, n).await?;
    let mut person = Person::default();
    let settled = world.settle(Duration::from_secs(120), &mut person).await?;
    verdict.must(settled.is_some(), || "the clean phase did not end".into());
    let clean = world.results("clean").await?;
    start_off(case, &mut world, &library).await?;
    let logged = world.fleet.log("tasks");
    verdict.must(skewed(&logged), || "the clocks were not changed".into());
    let calls = "select coalesce(sum(attempt), 0) from stack_runs where kind = 'call'";
    let before = world.db.number(calls).await?;
    world.submit_mixed("chaos", runs, n).await?;
    // Long enough for the other processor to have a look at the lease.
    for key in 0..8 {
        let ask = json!({ "key": format!("long{key}"), "phase": "long", "i": 0, "ms": [1_500] });
        world.submit_one("gapi", "echo", &ask).await?;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let processes = world.fleet.members.len();
    for index in 0..processes {
        std::fs::write(clock(case, index), offset(index, true))?;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    world.submit_mixed("after", runs, n).await?;
    let settled = world.settle(case.patience(), &mut person).await?;
    verdict.must(settled.is_some(), || "runs are still open".into());
    let attempts = world.db.number(calls).await? - before;
    let made = "select count(*) from stack_runs c join task_runs t on t.id = c.parent_task_run_id \
        where c.kind = 'call' and t.input::text not like '%\"clean\"%'";
    let made = world.db.number(made).await?;
    let crashes = world.db.number("select coalesce(sum(crashes), 0) from stack_runs").await?;
    // Nobody died: every call was taken once, and no lease was taken from its holder.
    verdict.must(attempts == made && crashes == 0, || {
        format!("{made} calls were taken {attempts} times, {crashes} leases were lost")
    });
    for phase in ["chaos", "after"] {
        check::same(&clean, &world.results(phase).await?, &mut verdict);
    }
    verdict.figure(format!(
        "{processes} processes, two of them processors, one hour ahead or behind, all changing sides in the middle: \
         {made} calls of {} runs taken once each, no lease lost, results as before",
        2 * runs
    ));
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

/// Starts every process anew with a clock that is off.
async fn start_off(case: &Case, world: &mut World, library: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(case.dir.join("clocks"))?;
    world.fleet.kill_all();
    for (index, member) in world.fleet.members.iter_mut().enumerate() {
        let file = clock(case, index);
        std::fs::write(&file, offset(index, false))?;
        member.env.extend([
            ("LD_PRELOAD".to_owned(), library.to_owned()),
            ("FAKETIME_TIMESTAMP_FILE".to_owned(), file.display().to_string()),
            ("FAKETIME_CACHE_DURATION".to_owned(), "1".to_owned()),
            ("DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
        ]);
    }
    world.fleet.start_all().await
}

/// The file that says how far off the clock of a process is.
fn clock(case: &Case, index: usize) -> PathBuf {
    case.dir.join("clocks").join(format!("{}-{index}", case.fault.unwrap_or("full")))
}

/// Every other process, so that the two processors are on different sides.
fn offset(index: usize, changed: bool) -> &'static str {
    if index.is_multiple_of(2) == changed { "-1h" } else { "+1h" }
}

/// The library, wherever this architecture keeps it.
fn library() -> Option<String> {
    let dirs = std::fs::read_dir("/usr/lib").ok()?;
    let found = dirs.flatten().map(|d| d.path().join(LIBRARY)).find(|p| p.exists())?;
    Some(found.display().to_string())
}

/// Whether some line of a log was written in another hour than it is.
fn skewed(log: &str) -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let Ok(now) = now.map(|d| i64::try_from(d.as_millis()).unwrap_or_default()) else {
        return false;
    };
    let hour = |ms: i64| tasker_core::time::iso(ms)[..13].to_owned();
    let around = [hour(now - 3_600_000), hour(now + 3_600_000)];
    log.lines().any(|line| around.iter().any(|h| line.contains(h.as_str())))
}
