//! Leases are kept as long as work goes on: while this process holds rows it says every three seconds
//! that it lives. What the database says it holds and it knows nothing of is given up.

use std::{collections::HashSet, time::Duration};

use tasker_core::StackRunId;
use tasker_store::Held;

use crate::{State, outcome};

/// A third of the time for which a beat counts: two may fail.
const BEAT: Duration = Duration::from_secs(3);
/// How often the outcomes that wait are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Among so many is the blame shared that a row got lost here: it bears the least.
const CROWD: u32 = 1_000;

/// Beats while rows are held. An idle process asks the database nothing.
pub async fn keep(state: &State) {
    let mut unknown = HashSet::new();
    loop {
        while state.0.at_work.is_empty() {
            unknown.clear();
            state.0.at_work.added().await;
        }
        for _ in 0..BEAT.as_secs() / LOOK.as_secs() {
            tokio::time::sleep(LOOK).await;
            if !tasker_fault::on("nofallback") {
                outcome::send_again(state);
            }
        }
        if state.0.at_work.is_empty() || tasker_fault::on("nobeat") {
            continue;
        }
        match state.0.store.heartbeat(&state.0.slot).await {
            Ok(held) => unknown = give_up(state, held, &unknown).await,
            Err(error) => tracing::warn!(%error, "the heartbeat failed"),
        }
    }
}

/// Gives up what was held at the last beat too, while nobody here works on its run: its message got
/// lost, or a commit that nobody heard of gave it to this process.
async fn give_up(
    state: &State,
    held: Vec<Held>,
    before: &HashSet<(StackRunId, i64)>,
) -> HashSet<(StackRunId, i64)> {
    let mut unknown = HashSet::new();
    for Held { lease, root_id } in held {
        if state.0.at_work.contains(root_id) {
            continue;
        }
        if !before.contains(&(lease.id, lease.epoch)) {
            unknown.insert((lease.id, lease.epoch));
            continue;
        }
        tracing::warn!(stack_run = %lease.id, "nobody here works on a row that is leased to us: given up");
        if let Err(error) = state.0.store.abandon(&lease, 0, CROWD).await {
            tracing::warn!(%error, stack_run = %lease.id, "it could not be given up");
        }
        state.rearm();
    }
    unknown
}
