//! Calls and runs a second.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    echo::{self, Echo},
    table::{Line, Table},
    world::{Store, World},
};

/// A task that makes one call.
const ONE: &str = "module.exports = async (i) => __callHostTool__('gapi', 'echo', [i]);";
/// Clocks: the rows' own, or those of a client who asks.
const BY_ROWS: &str = "first row made to last run ended, by the database's clock";

struct Case {
    what: &'static str,
    task: &'static str,
    input: Value,
    runs: u32,
    calls: u32,
    unit: &'static str,
    how: &'static str,
}

fn cases() -> Vec<Case> {
    let calls = |what, runs: u32, n: u32, service: &str, key: &str| Case {
        what,
        task: "calls",
        input: json!({ "n": n, "service": service, "key": key }),
        runs,
        calls: runs * n,
        unit: "calls/s",
        how: BY_ROWS,
    };
    let mut all = vec![
        calls("one run, 1,000 calls that are safe to repeat", 1, 1_000, "gapi", ""),
        calls("the same of a service that is not tasker's", 1, 1_000, echo::NAME, "own"),
        calls("the same, not safe to repeat", 1, 1_000, echo::NAME, ""),
        calls("50 runs at once, 20 calls each", 50, 20, "gapi", ""),
        calls("50 runs at once, 200 calls each", 50, 200, "gapi", ""),
    ];
    all[1].how = "each call has an idempotencyKey; first row made to last run ended";
    all[2].how = "as above without the key: what being unsafe costs";
    let (what, unit) = ("1,000 runs at once, one call each", "runs/s");
    let input = json!(1);
    all.push(Case { what, task: "one", input, runs: 1_000, calls: 1_000, unit, how: BY_ROWS });
    all
}

/// Each case by itself, on one tasker.
pub async fn measure(store: Store, dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let echo = Echo::start().await?;
    let world = World::start(store, dir, &echo.env()).await?;
    let load = &world.load;
    load.publish("one", ONE).await?;
    load.warm_up("gapi").await?;
    load.warm_up(echo::NAME).await?;
    let mut before = world.r()?;
    for case in cases() {
        let first = load.work(case.task, &case.input, case.runs.try_into()?).await?;
        let rate = f64::from(case.calls) / load.seconds(first).await?;
        let after = world.r()?;
        table.line(&Line {
            what: case.what,
            value: format!("{rate:.0} {}", case.unit),
            rate: Some(rate),
            r: before.zip(after),
            how: case.how,
        })?;
        before = after;
    }
    let seconds = load.seen("calls", &json!({ "n": 1_000, "service": "gapi" })).await?;
    let rate = 1_000.0 / seconds;
    table.line(&Line {
        what: "one run, 1,000 calls, as its client sees it",
        value: format!("{seconds:.2} s, {rate:.0} calls/s"),
        rate: Some(rate),
        r: before.zip(world.r()?),
        how: "submitted to seen to have ended, asked every 15 ms",
    })?;
    Ok(())
}
