//! Faults on purpose, for `make chaos`: guards that are left out, and points at which the process
//! ends itself. An experiment that does not fail with its guard left out proves nothing.
//!
//! With the feature `faults` the environment says which; unset it costs one
//! comparison. Without the feature, as in what is shipped, there is nothing to switch on: every
//! function is empty and is compiled away.
//!
//! | `TASKER_FAULT` | |
//! |---|---|
//! | `nosweep` | the guard of this name is left out ([`on`]) |
//! | `kill:advance.after:3` | the process ends itself at the third pass of this point ([`point`]) |
//! | `poison:NAME` | a task of this name ends its executor ([`poison`]) |
//! | `panic:PLACE` | a panic at this place ([`panic_at`]) |
//!
//! Several are separated by commas.

#[cfg(not(feature = "faults"))]
mod absent;
#[cfg(feature = "faults")]
mod present;

#[cfg(not(feature = "faults"))]
pub use absent::{active, on, panic_at, point, poison};
#[cfg(feature = "faults")]
pub use present::{active, on, panic_at, point, poison};

/// Whether this build has the hooks at all. Tests that rest on them ask first: a fault that cannot
/// be switched on would look like a guard that is not needed.
pub const COMPILED_IN: bool = cfg!(feature = "faults");

/// A piece of work between the points `name.before` and `name.after`.
pub async fn around<T>(name: &str, work: impl Future<Output = T>) -> T {
    point(name, "before");
    let done = work.await;
    point(name, "after");
    done
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use std::{env, process::Command};

    use super::*;

    const ASKED_FOR: &str = "nosweep,kill:here.after:1";

    #[test]
    #[ignore = "run by the test below, in a process of its own in which faults are asked for"]
    fn passes_a_point() {
        assert_eq!(env::var("TASKER_FAULT").unwrap(), ASKED_FOR);
        assert_eq!(active(), COMPILED_IN.then_some(ASKED_FOR));
        assert_eq!(on("nosweep"), COMPILED_IN);
        point("here", "after");
    }

    #[test]
    fn faults_that_are_asked_for_happen_only_where_they_are_compiled_in() {
        let mut process = Command::new(env::current_exe().unwrap());
        process.args(["--ignored", "--exact", "tests::passes_a_point"]);
        let done = process.env("TASKER_FAULT", ASKED_FOR).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        // A process that ends itself leaves no exit code; a failed assertion leaves 101.
        assert_eq!(done.status.code(), (!COMPILED_IN).then_some(0), "{said}");
        assert!(COMPILED_IN || said.contains("1 passed"), "{said}");
    }
}
