//! Whether a call costs more when its run has made very many.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    table::{Line, Table, median},
    world::{Store, World},
};

/// Calls before the cost of late ones is looked at.
const MANY: u32 = 90_000;
/// Late calls and those of a fresh run take turns, so that both see the same machine.
const TURNS: u32 = 50;
/// Calls of each in a turn: together the calls 90,000 to 100,000.
const CALLS: u32 = 200;

/// Calls a second, by the run's own clock, which goes by when results came.
const PACE: &str = "const pace = async (n) => { \
    const call = (i) => __callHostTool__('gapi', 'echo', [i]); \
    await call(0); const began = Date.now(); \
    for (let i = 0; i < n; i++) await call(i); return n * 1000 / (Date.now() - began); };";

/// One run of 100,000 calls.
pub async fn measure(store: Store, dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let world = World::start(store, dir, &[]).await?;
    let load = &world.load;
    load.publish("fresh", &format!("{PACE} module.exports = ({{ n }}) => pace(n);")).await?;
    let task = format!(
        "{PACE} module.exports = async ({{ many, turns, n }}) => {{ const first = await pace(many); \
         const late = [], fresh = []; for (let i = 0; i < turns; i++) {{ late.push(await pace(n)); \
         fresh.push(await __callHostTool__('tasks', 'execute', ['fresh', {{ n }}])); }} \
         return {{ first, late, fresh }}; }};"
    );
    load.publish("late", &task).await?;
    let before = world.r()?;
    let input = json!({ "many": MANY, "turns": TURNS, "n": CALLS });
    let run = load.work("late", &input, 1).await?;
    load.seconds(run).await?;
    let r = before.zip(world.r()?);
    let (_, row) = world.stack.get(&format!("tasks/status/{run}?stack_runs=0")).await?;
    let (first, late) = (row["result"]["first"].as_f64(), paces(&row, "late"));
    let fresh = paces(&row, "fresh");
    let mut rate = |what: &str, rate: f64, how: &str| {
        let value = format!("{rate:.0} calls/s");
        table.line(&Line { what, value, rate: Some(rate), r, how })
    };
    rate("calls 1 to 90,000 of a run", first.unwrap_or(f64::NAN), "by the run's own clock")?;
    rate("calls 90,000 to 100,000", median(&late), "median of 50 turns of 200 calls")?;
    rate(
        "the first 10,000 calls of fresh runs",
        median(&fresh),
        "median of 50 turns, each a new run's first 200 calls, that alternate with the late ones",
    )?;
    let ratios: Vec<f64> = late.iter().zip(&fresh).map(|(late, fresh)| late / fresh).collect();
    table.line(&Line {
        what: "late / fresh",
        value: format!("{:.2}", median(&ratios)),
        how: "median of the 50 turns' own ratios",
        ..Line::default()
    })?;
    Ok(())
}

fn paces(row: &Value, key: &str) -> Vec<f64> {
    row["result"][key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}
