//! Random walks over the state machine: whatever claims, crashes, results and task code do, no
//! reachable state is stuck, sequencing holds, and nothing ends twice.

mod model;

use model::{Act, World};
use proptest::prelude::*;
use tasker_core::chain::{End, Resolved, Rules};

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => any::<u8>().prop_map(Act::Claim),
        1 => any::<u8>().prop_map(Act::Expire),
        5 => (any::<u8>(), 0..3u8, 0..2u8, any::<bool>(), 0..12u8, any::<bool>(), any::<bool>())
            .prop_map(|(pick, calls, timers, clear, end, keep, ok)| Act::Advance { pick, calls, timers, clear, end, keep, ok }),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(pick, ok)| Act::Record { pick, ok }),
        1 => any::<u8>().prop_map(Act::Delegate),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(pick, ok)| Act::NestedDone { pick, ok }),
        1 => any::<u8>().prop_map(|pick| Act::Stale { pick }),
        1 => any::<u8>().prop_map(Act::Unsure),
        1 => any::<u8>().prop_map(Act::Doubt),
        1 => (any::<u8>(), resolved()).prop_map(|(pick, how)| Act::Resolve { pick, how }),
        1 => prop_oneof![Just(End::Failed), Just(End::Cancelled)].prop_map(Act::Stop),
        1 => Just(Act::Pause),
        2 => Just(Act::Unpause),
        2 => Just(Act::Retry),
        1 => Just(Act::Upgrade),
        1 => any::<u8>().prop_map(Act::OldCode),
    ]
}

fn resolved() -> impl Strategy<Value = Resolved> {
    prop_oneof![any::<bool>().prop_map(Resolved::Outcome), Just(Resolved::Again)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]
    #[test]
    fn no_reachable_state_is_stuck_or_ends_twice(acts in proptest::collection::vec(act(), 1..60)) {
        let mut world = World::new(Rules::default());
        for a in &acts {
            world.step(a).and_then(|()| world.check()).map_err(TestCaseError::fail)?;
        }
    }
}
