//! Who is to blame when whoever worked on a row died.
//!
//! A death says little of each of the many that were in flight, and much of one that was alone: they
//! share the blame. A row is given up when it bears enough of it after enough lost leases. So poison
//! ends after three deaths (the second and third time it runs alone), and an innocent run outlives
//! a time in which everything is killed again and again. Where the process that holds the rows is
//! itself in a crash loop, even one that ran alone bears little.

/// The blame of a death for which only one row can be why.
pub const WHOLE: i64 = 1_000;
/// A start is soon after another one within this time.
pub const SOON_MS: i64 = 10_000;
/// A slot that did not start for so long is forgotten.
pub const FORGOTTEN_MS: i64 = 7 * 86_400_000;
/// So many starts in a row, each soon after the one before, are a crash loop.
const LOOP: u32 = 8;
/// What each bears at least: nothing is tried without end, however many it takes along.
pub const LEAST: i64 = 250;
/// With so much of it, and
pub const MOST: i64 = 2 * WHOLE;
/// after so many lost leases in a row, it is given up.
pub const CRASHES: u32 = 3;
/// The longest pause before a row is tried again.
const LONGEST_PAUSE_MS: i64 = 30_000;

/// What a row bears of a death with so many in flight; `None`: nobody knows how many.
pub fn share(in_flight: Option<u32>) -> i64 {
    in_flight.map_or(LEAST, |n| (WHOLE / i64::from(n.max(1))).max(LEAST))
}

/// Whether a process that started so often in a row dies of more than the run that it has in flight:
/// two runs that are poison start it six times.
pub fn crash_loop(starts: u32) -> bool {
    starts >= LOOP
}

/// Whether a row is given up that lost so many leases, and bears so much, the last included.
pub fn given_up(crashes: u32, blame: i64) -> bool {
    crashes >= CRASHES && blame >= MOST
}

/// How long row `id` waits after the loss of a lease, having lost `before` others: not at all after
/// the first, then ever longer, each row its own time, so that whatever kills it may pass.
pub fn pause_ms(before: u32, id: i64) -> i64 {
    let before = i64::from(before);
    if before > 4 {
        return LONGEST_PAUSE_MS;
    }
    before * before * 10 * (50 + id.rem_euclid(101))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn deaths(in_flight: &[Option<u32>]) -> Option<usize> {
        let mut blame = 0;
        (1..).zip(in_flight).find_map(|(n, in_flight)| {
            blame += share(*in_flight);
            given_up(n, blame).then_some(n as usize)
        })
    }

    #[test]
    fn poison_ends_after_three_and_a_crowd_after_eight() {
        assert_eq!(deaths(&[Some(1); 9]), Some(3));
        assert_eq!(deaths(&[Some(16), Some(1), Some(1)]), Some(3));
        assert_eq!(deaths(&[Some(16); 9]), Some(8));
        assert_eq!(deaths(&[None; 9]), Some(8));
    }

    proptest! {
        /// Whatever happens: never before the third death, never later than the eighth; with the
        /// third if two of them were its own; and not before the eighth if none was of few.
        #[test]
        fn ends_in_time_and_not_before(seen in proptest::collection::vec(proptest::option::of(0..40u32), 8)) {
            let ended = deaths(&seen).unwrap_or(usize::MAX);
            prop_assert!((3..=8).contains(&ended), "{ended}");
            let alone = seen[..3].iter().filter(|n| matches!(n, Some(0 | 1))).count();
            prop_assert!(alone < 2 || ended == 3);
            let few = seen[..ended].iter().any(|n| matches!(n, Some(0..=3)));
            prop_assert!(few || ended == 8, "one of a crowd was given up after {ended}");
        }

        /// Nobody bears more for company, and all together bear what was done.
        #[test]
        fn company_shares(n in 1..100u32, id in any::<i64>(), before in 0..20u32) {
            prop_assert!(share(Some(n)) >= share(Some(n + 1)));
            prop_assert!(share(Some(n)) * i64::from(n) > WHOLE - i64::from(n));
            prop_assert!((0..=LONGEST_PAUSE_MS).contains(&pause_ms(before, id)));
            prop_assert!(pause_ms(before + 1, id) > pause_ms(before, id) || before > 4);
            prop_assert_eq!(pause_ms(0, id), 0);
        }
    }
}
