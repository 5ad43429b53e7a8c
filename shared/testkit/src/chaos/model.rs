//! B7: the state machine by itself, through as many transitions as a person can be convinced by.

use std::process::Stdio;

use anyhow::Context as _;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tasker_core::chain::{End, Resolved, Rules};

use super::{Case, Verdict};

#[path = "../../../core/tests/model/mod.rs"]
mod world;
use world::{Act, World};

/// Things that happen to one run before the next one.
const STEPS: usize = 60;

/// B7 in a process of its own: the guard is left out at its start.
pub async fn walks(case: &Case) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let transitions = case.size(200_000, 2_000_000);
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command.args(["--walk", &transitions.to_string(), "--seed", &case.seed.to_string()]);
    command.env("TASKER_FAULT", case.fault.unwrap_or_default());
    let done = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    let said = String::from_utf8(done.stdout).context("what the walk said")?;
    verdict.must(done.status.success(), || said.trim().to_owned());
    verdict.figure(said.trim().to_owned());
    Ok(verdict)
}

/// Walks until so many events were given to the state machine; says how it went.
pub fn walk(seed: u64, transitions: usize) -> Result<String, String> {
    let mut random = StdRng::seed_from_u64(seed);
    let rules = Rules { fenced: !tasker_fault::on("nofence") };
    let (mut done, mut runs) = (0, 0);
    while done < transitions {
        let mut world = World::new(rules);
        for step in 0..STEPS {
            let act = act(&mut random);
            world.step(&act).and_then(|()| world.check()).map_err(|broken| {
                format!(
                    "after {} transitions, run {runs}, step {step} ({act:?}): {broken}",
                    done + world.transitions
                )
            })?;
        }
        (done, runs) = (done + world.transitions, runs + 1);
    }
    Ok(format!("{done} transitions of {runs} runs: no state stuck, nothing ended twice"))
}

fn act(random: &mut StdRng) -> Act {
    let (pick, ok) = (random.random(), random.random());
    match random.random_range(0..26) {
        0..4 => Act::Claim(pick),
        4 => Act::Expire(pick),
        5..10 => Act::Advance {
            pick,
            calls: random.random_range(0..3),
            timers: random.random_range(0..2),
            clear: random.random(),
            end: random.random_range(0..12),
            keep: random.random(),
            ok,
        },
        10..12 => Act::Record { pick, ok },
        12 => Act::Delegate(pick),
        13 => Act::NestedDone { pick, ok },
        14 => Act::Stale { pick },
        15 => Act::Unsure(pick),
        16 => Act::Resolve {
            pick,
            how: if random.random() { Resolved::Outcome(ok) } else { Resolved::Again },
        },
        17 => Act::Stop(if ok { End::Failed } else { End::Cancelled }),
        18 => Act::Pause,
        19 | 20 => Act::Unpause,
        21 | 22 => Act::Retry,
        23 => Act::Upgrade,
        24 => Act::Doubt(pick),
        _ => Act::OldCode(pick),
    }
}
