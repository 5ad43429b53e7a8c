//! Replay: task code is run again from its start, is given the recorded outcomes in the order in
//! which it got them, and must ask for what the journal says it asked for. Whoever drives the code
//! tells [`Replay`] what it did at each suspension point and hears what to give it next; the
//! engine, time and the database are not known here.

use crate::{
    TaskError,
    journal::{Asked, Delivery, Journal},
};

/// Something that task code asks for, which the journal may hold.
pub trait Recordable {
    /// As the journal records it.
    fn recorded(&self) -> Asked;
}

/// A replay under way.
#[derive(Debug)]
pub struct Replay<'a, T> {
    journal: &'a Journal,
    /// What the code has asked for since its start.
    asked: Vec<T>,
    /// How much of that was held against the journal.
    compared: usize,
    /// Outcomes that it was given.
    given: usize,
}

/// The code does not do what it once did.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// What to tell the author of the task.
    pub message: String,
    /// Number of the first call that differs.
    pub call: usize,
    /// What the journal says of it, secrets hidden.
    pub recorded: Option<String>,
    /// What the code asks for now, if it asks for anything.
    pub asked: Option<String>,
}

impl<'a, T: Recordable> Replay<'a, T> {
    /// Of code that was not started yet.
    pub fn new(journal: &'a Journal) -> Self {
        Self { journal, asked: Vec::new(), compared: 0, given: 0 }
    }

    /// The code has asked for these, in order, since it was started or given an outcome, and is
    /// suspended now, or has `ended`. Answers what it is to be given next; nothing once it is where
    /// the journal ends.
    ///
    /// # Errors
    /// It does not make the recorded calls.
    pub fn went_on(
        &mut self,
        asked: Vec<T>,
        ended: bool,
    ) -> Result<Option<&'a Delivery>, Divergence> {
        self.asked.extend(asked);
        self.compare()?;
        if !ended && let Some(delivery) = self.journal.delivered.get(self.given) {
            self.given += 1;
            return Ok(Some(delivery));
        }
        self.all_made()?;
        Ok(None)
    }

    /// What it asks for beyond the journal, once [`went_on`](Self::went_on) has nothing more to give.
    pub fn new_requests(mut self) -> Vec<T> {
        self.asked.split_off(self.journal.asked.len().min(self.asked.len()))
    }

    /// Holds what was not yet compared against the journal.
    fn compare(&mut self) -> Result<(), Divergence> {
        for (now, then) in self.asked.iter().zip(&self.journal.asked).skip(self.compared) {
            let (call, now) = (self.compared, now.recorded());
            let seq = u32::try_from(call).unwrap_or(u32::MAX);
            then.matches(&now, seq).map_err(|message| {
                let (recorded, asked) = (Some(then.show()), Some(now.show()));
                Divergence { message, call, recorded, asked }
            })?;
            self.compared += 1;
        }
        Ok(())
    }

    /// Each recorded call was made again.
    fn all_made(&self) -> Result<(), Divergence> {
        let (once, now) = (self.journal.asked.len(), self.asked.len());
        let Some(missing) = self.journal.asked.get(now) else { return Ok(()) };
        let message = format!(
            "this run once made {once} host calls up to here and now makes {now}: task code must \
             make the same calls in the same order each time it runs"
        );
        Err(Divergence { message, call: now, recorded: Some(missing.show()), asked: None })
    }
}

impl From<Divergence> for TaskError {
    /// `details` say which call it is, for people and programs.
    fn from(divergence: Divergence) -> Self {
        let Divergence { message, call, recorded, asked } = divergence;
        let mut error = Self::new("NONDETERMINISTIC", message);
        let details = serde_json::json!({ "call": call, "recorded": recorded, "asked": asked });
        error.details = Some(details);
        error
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json;

    /// A call is a number here.
    #[derive(Clone, Debug, PartialEq)]
    struct Call(u8);

    impl Recordable for Call {
        fn recorded(&self) -> Asked {
            Asked { service: "s".into(), method: "m".into(), args: json::of(&[self.0]) }
        }
    }

    /// Code without an engine: what it asks for at its start and after each outcome. All it knows is
    /// the sum of the outcomes so far.
    fn code(seed: u8, sum: u8, given: usize) -> Vec<Call> {
        let count = sum.wrapping_mul(7).wrapping_add(seed) % 3;
        let first = u8::from(given == 0);
        (0..count.max(first)).map(|n| Call(seed ^ sum.wrapping_add(n) ^ 0x5a)).collect()
    }

    fn outcome(seq: u32, value: u8) -> Delivery {
        Delivery { seq, ok: true, value: json::of(&value), at_ms: 0 }
    }

    fn value(delivery: &Delivery) -> u8 {
        delivery.value.get().parse().unwrap()
    }

    /// Runs the code once and keeps its journal; outcomes come in the order of `picks`.
    fn record(seed: u8, picks: &[u8]) -> Journal {
        let mut journal = Journal { asked: vec![], delivered: vec![] };
        let (mut sum, mut open) = (0_u8, Vec::new());
        for given in 0..=picks.len() {
            for call in code(seed, sum, given) {
                open.push(u32::try_from(journal.asked.len()).unwrap());
                journal.asked.push(call.recorded());
            }
            let Some(pick) = picks.get(given).filter(|_| !open.is_empty()) else { break };
            let seq = open.remove(usize::from(*pick) % open.len());
            sum = sum.wrapping_add(*pick);
            journal.delivered.push(outcome(seq, *pick));
        }
        journal
    }

    /// Replays code on a journal; answers the order of outcomes and what it asks for beyond it.
    fn replay(seed: u8, journal: &Journal) -> Result<(Vec<u32>, Vec<Call>), Divergence> {
        let (mut replay, mut sum, mut order) = (Replay::new(journal), 0_u8, Vec::new());
        let mut asked = code(seed, 0, 0);
        while let Some(delivery) = replay.went_on(asked, false)? {
            order.push(delivery.seq);
            sum = sum.wrapping_add(value(delivery));
            asked = code(seed, sum, order.len());
        }
        Ok((order, replay.new_requests()))
    }

    /// What the code asks for if it is given these, whatever it asked for before.
    fn all_asked(seed: u8, delivered: &[Delivery]) -> Vec<Call> {
        let mut asked = code(seed, 0, 0);
        let mut sum = 0_u8;
        for (given, delivery) in (1..).zip(delivered) {
            sum = sum.wrapping_add(value(delivery));
            asked.extend(code(seed, sum, given));
        }
        asked
    }

    fn journal(asked: &[u8], delivered: &[u32]) -> Journal {
        Journal {
            asked: asked.iter().map(|n| Call(*n).recorded()).collect(),
            delivered: delivered.iter().map(|seq| outcome(*seq, 0)).collect(),
        }
    }

    #[test]
    fn outcomes_come_as_they_came_and_what_is_new_is_left() {
        let journal = journal(&[1, 2], &[1, 0]);
        let mut replay = Replay::new(&journal);
        assert_eq!(replay.went_on(vec![Call(1), Call(2)], false).unwrap().unwrap().seq, 1);
        assert_eq!(replay.went_on(vec![Call(3)], false).unwrap().unwrap().seq, 0);
        assert!(replay.went_on(vec![Call(4)], false).unwrap().is_none());
        assert_eq!(replay.new_requests(), [Call(3), Call(4)]);
    }

    #[test]
    fn another_call_is_told_before_an_outcome_is_wasted_on_it() {
        let journal = journal(&[1, 2], &[0]);
        let mut replay = Replay::new(&journal);
        let divergence = replay.went_on(vec![Call(1), Call(9)], false).unwrap_err();
        assert_eq!((divergence.call, divergence.asked.as_deref()), (1, Some("s.m([9])")));
        let error = TaskError::from(divergence);
        assert_eq!(error.name, "NONDETERMINISTIC");
        assert!(error.message.contains("call 1 was s.m([2])"), "{}", error.message);
        assert_eq!(error.details.unwrap()["recorded"], "s.m([2])");
    }

    #[test]
    fn a_call_that_is_missing_is_told_at_the_end() {
        let journal = journal(&[1, 2], &[0]);
        let mut replay = Replay::new(&journal);
        assert!(replay.went_on(vec![Call(1)], false).unwrap().is_some());
        let divergence = replay.went_on(vec![], false).unwrap_err();
        assert_eq!((divergence.call, divergence.asked), (1, None));
        assert!(divergence.message.contains("once made 2 host calls up to here and now makes 1"));
    }

    #[test]
    fn code_that_ended_is_given_nothing_more() {
        let journal = journal(&[1], &[0]);
        let mut replay = Replay::new(&journal);
        assert!(replay.went_on(vec![Call(1)], true).unwrap().is_none());
        let mut early = Replay::<Call>::new(&journal);
        assert_eq!(early.went_on(vec![], true).unwrap_err().call, 0);
    }

    proptest! {
        /// Code that is left alone does what it did, in the same order, with nothing new.
        #[test]
        fn what_was_recorded_replays(seed in any::<u8>(), picks in proptest::collection::vec(any::<u8>(), 0..20)) {
            let journal = record(seed, &picks);
            let (order, new) = replay(seed, &journal).unwrap();
            prop_assert_eq!(order, journal.delivered.iter().map(|d| d.seq).collect::<Vec<_>>());
            prop_assert_eq!(new, vec![]);
        }

        /// A journal that is cut anywhere leaves what lies behind the cut as new.
        #[test]
        fn a_shorter_journal_leaves_the_rest(seed in any::<u8>(), picks in proptest::collection::vec(any::<u8>(), 1..20)) {
            let whole = record(seed, &picks);
            let given = whole.delivered.len().saturating_sub(1);
            let seen: Vec<u8> = whole.delivered[..given].iter().map(value).collect();
            let mut cut = record(seed, &seen);
            let made = cut.asked.len();
            cut.asked.truncate(made / 2);
            let (_, new) = replay(seed, &cut).unwrap();
            prop_assert_eq!(new.len(), made - made / 2);
        }

        /// Other code is found out, at the first call that differs.
        #[test]
        fn other_code_is_found_out(seed in any::<u8>(), other in any::<u8>(), picks in proptest::collection::vec(any::<u8>(), 0..20)) {
            let journal = record(seed, &picks);
            let theirs = all_asked(other, &journal.delivered);
            let same = |(then, now): &(&Asked, &Call)| then.args.get() == now.recorded().args.get();
            let alike = journal.asked.iter().zip(&theirs).take_while(same).count();
            match replay(other, &journal) {
                Ok(_) => prop_assert_eq!(alike, journal.asked.len()),
                Err(divergence) => prop_assert_eq!(divergence.call, alike),
            }
        }
    }
}
