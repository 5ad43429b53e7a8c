//! Random walks over the state machine: whatever claims, crashes, results and task code do, no
//! reachable state is stuck, sequencing holds, counters count, and nothing ends twice.

mod model;

use model::{Act, World};
use proptest::prelude::*;
use tasker_core::run::Rules;

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]
    #[test]
    fn no_reachable_state_is_stuck_or_ends_twice(
        acts in proptest::collection::vec(any::<u64>().prop_map(Act::of), 1..60),
    ) {
        let mut world = World::new(Rules::default());
        for act in &acts {
            world.step(*act).and_then(|()| world.check()).map_err(TestCaseError::fail)?;
        }
    }
}
