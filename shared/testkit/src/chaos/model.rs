//! B7: the state machine by itself, through as many transitions as a person can be convinced by.

use std::process::Stdio;

use anyhow::Context as _;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tasker_core::run::Rules;

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
    let rules = Rules { fenced: !tasker_fault::on("nofence"), ..Rules::default() };
    let (mut done, mut runs) = (0, 0);
    while done < transitions {
        let mut world = World::new(rules);
        for step in 0..STEPS {
            let act = Act::of(random.random());
            world.step(act).and_then(|()| world.check()).map_err(|broken| {
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
