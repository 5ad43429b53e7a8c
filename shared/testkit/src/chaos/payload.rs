//! C2: large arguments and results, and those that are too large.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{
    Case, Verdict, check,
    person::Person,
    world::{Shape, World},
};
use crate::peaks::Peaks;

const MIB: usize = 1 << 20;
/// The limits' defaults.
const LIMIT: usize = 10 * MIB;
/// Returns what it was given, by way of a service.
const ECHO: &str = "module.exports = async ({ blob }) => \
    (await __callHostTool__('gapi', 'echo', [{ key: 'c2', phase: 'c2', i: 0, blob }])).echo.blob;";
/// Asks for too much, or gets too much, and says how it heard of that.
const OVER: &str = "module.exports = async ({ send, size }) => { \
    const ask = { key: `s${send}-${size}`, phase: 'c2', i: 0, size, blob: 'x'.repeat(send) }; \
    try { return (await __callHostTool__('gapi', 'echo', [ask])).value.length; } \
    catch (e) { return { name: e.name, status: e.status, message: e.message }; } };";
const MEGA: &str = "module.exports = async () => 'm'.repeat(1 << 20);";
const MANY: &str = "module.exports = async ({ n }) => { const all = await Promise.all( \
    Array.from({ length: n }, () => __callHostTool__('tasks', 'execute', ['mega', {}]))); \
    return all.reduce((sum, one) => sum + one.length, 0); };";

/// C2.
pub async fn large(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let env = if case.fault == Some("nolimit") {
        vec![("TASKER_PAYLOAD_BYTES", "1000000000"), ("TASKER_RESULT_BYTES", "1000000000")]
    } else {
        Vec::new()
    };
    let mut world = World::start(case, Shape { env, ..Shape::default() }).await?;
    for (name, code) in [("echo", ECHO), ("over", OVER), ("mega", MEGA), ("many", MANY)] {
        world.fleet.publish(name, code).await?;
    }
    let peaks = world.fleet.peaks();
    let before = peaks.read();
    there_and_back(&mut world, &mut verdict).await?;
    too_large(&mut world, &mut verdict).await?;
    bounded(&mut verdict, "payloads up to the limit", &growth(&peaks, &before), LIMIT);
    let n = case.size(8, 64);
    let run = world.fleet.submit("many", &json!({ "n": n })).await?;
    let result = ended(&mut world, run).await?;
    verdict.must(result.1 == (n * MIB).to_string(), || format!("{n} nested: {result:.200?}"));
    verdict.figure(format!("{n} nested results of 1 MiB in one run"));
    bounded(&mut verdict, "nested results", &growth(&peaks, &before), n.max(10) * MIB);
    check::settled(&mut world, &mut verdict).await?;
    Ok(verdict)
}

/// 5 MiB of text that needs escapes and several bytes a character.
async fn there_and_back(world: &mut World, verdict: &mut Verdict) -> anyhow::Result<()> {
    let blob: String = "wörld \"\\ \u{1f600}\n".chars().cycle().take(3 * MIB).collect();
    let size = blob.len();
    let run = world.fleet.submit("echo", &json!({ "blob": blob })).await?;
    let (_, result) = ended(world, run).await?;
    let query = format!(
        "select id, args, result from stack_runs where kind = 'call' and parent_task_run_id = {run}"
    );
    let rows = world.db.rows(&query).await?;
    let row = rows.first().context("the call has no row")?;
    let text = |i: usize| row[i].clone().unwrap_or_default();
    let args: Value = serde_json::from_str(&text(1))?;
    verdict.must(args[0]["blob"] == *blob, || "the arguments changed on the way".into());
    let answered = world.oracle.answer_of(text(0).parse()?).unwrap_or_default();
    verdict.must(text(2) == answered, || "the result differs from what was answered".into());
    let returned: Value = serde_json::from_str(&result).unwrap_or_default();
    verdict.must(returned == *blob, || "the task returned something else".into());
    verdict
        .figure(format!("{:.1} MB as input, argument, result: byte for byte", size as f64 / 1e6));
    Ok(())
}

/// One byte more than may be: as arguments, as a result, as a request's body.
async fn too_large(world: &mut World, verdict: &mut Verdict) -> anyhow::Result<()> {
    // The largest result passes.
    let run = world.fleet.submit("over", &json!({ "send": 1, "size": LIMIT })).await?;
    let most = ended(world, run).await?.1;
    verdict.must(most == (LIMIT - r#"{"value":""}"#.len()).to_string(), || {
        format!("a result at the limit: {most:.200}")
    });
    for (what, send, size) in [("arguments", LIMIT, 100), ("a result", 1, LIMIT + 1)] {
        let run = world.fleet.submit("over", &json!({ "send": send, "size": size })).await?;
        let (_, result) = ended(world, run).await?;
        let caught: Value = serde_json::from_str(&result).unwrap_or_default();
        let typed = caught["name"] == "PayloadTooLarge" && caught["status"] == 413;
        verdict.must(typed, || format!("{what} over the limit: the task got {caught:.200}"));
    }
    let body = json!({ "task_identifier": "over", "input": "x".repeat(LIMIT + 3 * MIB) });
    let (status, answer, _) = world.fleet.post("tasks", "/execute", &body).await?;
    verdict.must(status == 413 && answer["code"] == "PAYLOAD_TOO_LARGE", || {
        format!("a body over the limit: {status} {answer:.200}")
    });
    verdict.figure(
        "one byte over: PayloadTooLarge (413) caught by the task, for arguments and for a result; \
         413 for a body"
            .into(),
    );
    Ok(())
}

/// Status and result of a run, once it has ended.
async fn ended(world: &mut World, run: i64) -> anyhow::Result<(String, String)> {
    world.settle(Duration::from_secs(120), &mut Person::default()).await?;
    let query = format!("select status, coalesce(result, error) from task_runs where id = {run}");
    let row = world.db.rows(&query).await?.into_iter().next().context("the run is gone")?;
    let text = |i: usize| row[i].clone().unwrap_or_default();
    Ok((text(0), text(1)))
}

fn growth(peaks: &Peaks, before: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let was = |name: &str| before.get(name).copied().unwrap_or_default();
    let grown = |(n, b): (String, u64)| (n.clone(), b.saturating_sub(was(&n)));
    peaks.read().into_iter().map(grown).collect()
}

/// Memory by the size of the payload: a value is held as body, parsed, as frame or as parameter; a
/// worker's engine holds it as text, as its own string, as what that means, and until it collects
/// garbage as what the task has made of it.
const TIMES: usize = 10;

fn bounded(verdict: &mut Verdict, what: &str, grown: &[(String, u64)], payload: usize) {
    let (workers, services): (Vec<_>, Vec<_>) =
        grown.iter().partition(|(name, _)| name.ends_with(" worker"));
    for group in [services, workers] {
        let Some((name, bytes)) = group.into_iter().max_by_key(|(_, bytes)| *bytes) else {
            continue;
        };
        let said = format!(
            "{what}: {name} grew most, by {:.0} MB, {:.1} times as much",
            *bytes as f64 / 1e6,
            *bytes as f64 / payload as f64
        );
        verdict.must(*bytes <= (TIMES * payload) as u64, || said.clone());
        verdict.figure(said);
    }
}
