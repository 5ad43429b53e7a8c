//! What must hold after every experiment: invariants I1 to I12.

use std::collections::HashSet;

use super::{
    Verdict,
    db::Db,
    world::{Results, World},
};

/// What must find nothing once everything has settled: leases (I2), rows nobody took (I4), changes
/// after the end (I9).
const SETTLED: [(&str, &str); 3] = [
    (
        "rows are still open",
        "select id, status from stack_runs where status not in ('completed', 'failed', 'cancelled')",
    ),
    ("leases are left", "select id, lease_owner from stack_runs where lease_owner is not null"),
    (
        "a step was recorded twice",
        "select parent_stack_run_id, seq from stack_runs where kind <> 'task' \
         group by parent_stack_run_id, seq having count(*) > 1",
    ),
];
/// Promises that Postgres alone can look at: each with the query for what breaks it.
const POSTGRES: [(&str, &str); 3] = [
    ("a row changed after its end", "select id, what from chaos_late"),
    // But for the one by which a live processor holds its slot's name.
    (
        "advisory locks are held",
        "select pid from pg_locks where locktype = 'advisory' and classid <> x'7461736b'::int::oid",
    ),
    (
        "a transaction hangs",
        "select pid from pg_stat_activity where state = 'idle in transaction' \
         and xact_start < clock_timestamp() - interval '10 seconds'",
    ),
];

/// All invariants of a settled world. Stops an embedded tasker: its file has one owner.
pub async fn settled(world: &mut World, verdict: &mut Verdict) -> anyhow::Result<()> {
    let queries = match &world.db {
        Db::Postgres(_) => POSTGRES.as_slice(),
        Db::Sqlite(_) => &[],
    };
    if queries.is_empty() {
        world.fleet.kill_all();
    }
    for (what, query) in SETTLED.iter().chain(queries) {
        let rows = world.db.rows(query).await?;
        verdict.must(rows.is_empty(), || format!("{what}: {}", some(&rows)));
    }
    for broken in world.db.store().await?.check_invariants().await? {
        verdict.must(false, || broken);
    }
    if let Db::Sqlite(_) = &world.db {
        let rows = world.db.rows("pragma integrity_check").await?;
        let well = rows.len() == 1 && rows[0][0].as_deref() == Some("ok");
        verdict.must(well, || format!("integrity_check: {}", some(&rows)));
    }
    oracle(world, verdict).await
}

/// I10: each recorded step has its effect; what must not repeat has one; nothing is changed without
/// a row.
async fn oracle(world: &World, verdict: &mut Verdict) -> anyhow::Result<()> {
    let steps = "select id, service_name, status from stack_runs where kind = 'call' \
        and (service_name in ('wrappedoracle', 'wrappeddown') or (service_name = 'wrappedgapi' and method_name = 'echo'))";
    let mut known = HashSet::new();
    for row in world.db.rows(steps).await? {
        let text = |i: usize| row[i].clone().unwrap_or_default();
        let id: i64 = text(0).parse()?;
        known.insert(id);
        let effects = world.oracle.effects_of(id);
        verdict.must(effects > 0 || text(2) != "completed", || format!("step {id} has no effect"));
    }
    let orphans: Vec<i64> =
        world.oracle.changed().into_iter().filter(|r| !known.contains(r)).collect();
    verdict.must(orphans.is_empty(), || format!("changes for rows that do not exist: {orphans:?}"));
    let repeated = world.oracle.repeated();
    verdict.must(repeated.is_empty(), || {
        format!(
            "{} effects repeated: {}",
            repeated.len(),
            repeated[..repeated.len().min(5)].join(", ")
        )
    });
    Ok(())
}

/// I11: the same bytes as without faults.
pub fn same(clean: &Results, now: &Results, verdict: &mut Verdict) {
    verdict.must(clean.len() == now.len(), || format!("{} results of {}", now.len(), clean.len()));
    let differ: Vec<&String> =
        clean.iter().filter(|(k, v)| now.get(*k) != Some(v)).map(|(k, _)| k).collect();
    verdict.must(differ.is_empty(), || {
        let first = differ.first().map_or_else(String::new, |k| {
            format!(
                "{:.200} instead of {:.200}",
                now.get(*k).map_or("nothing", String::as_str),
                clean[*k]
            )
        });
        format!("{} results differ from the clean run's: {first}", differ.len())
    });
    let failed = clean.values().filter(|v| !v.starts_with("completed ")).count();
    verdict.must(failed == 0, || format!("{failed} runs of the clean phase failed"));
}

fn some(rows: &[super::db::Row]) -> String {
    let shown: Vec<String> = rows
        .iter()
        .take(5)
        .map(|r| r.iter().map(|c| c.as_deref().unwrap_or("null")).collect::<Vec<_>>().join(" "))
        .collect();
    format!("{} ({})", rows.len(), shown.join("; "))
}
