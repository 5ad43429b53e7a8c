//! One circuit breaker a service: one that does not answer is left alone for a while, then asked by
//! a single call. In this process's memory only; it saves requests, never decides an outcome.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Failures in a row after which a service is left alone.
const FAILURES: u32 = 5;
/// First and longest time it is left alone; it doubles with each failed trial.
const OPEN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The breakers, by service.
#[derive(Default)]
pub struct Breakers(Mutex<HashMap<String, Breaker>>);

#[derive(Default)]
struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breakers {
    /// How long to leave `service` alone; `None`: ask it. Once the time is up one caller is let
    /// through, and the others wait for what becomes of it.
    pub fn wait(&self, service: &str) -> Option<Duration> {
        if tasker_fault::on("nobreaker") {
            return None;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let breaker = all.get_mut(service)?;
        let now = Instant::now();
        let until = breaker.open_until?;
        if now < until {
            return Some(until - now);
        }
        breaker.open_until = Some(now + breaker.pause());
        None
    }

    /// What became of a request.
    pub fn note(&self, service: &str, answered: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answered {
            all.remove(service);
            return;
        }
        let breaker = all.entry(service.to_owned()).or_default();
        breaker.failures += 1;
        if breaker.failures >= FAILURES {
            breaker.open_until = Some(Instant::now() + breaker.pause());
            tracing::warn!(service, failures = breaker.failures, "circuit open");
        }
    }
}

impl Breaker {
    fn pause(&self) -> Duration {
        let (first, longest) = OPEN;
        longest.min(first * (1 << self.failures.saturating_sub(FAILURES).min(5)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_five_failures_and_closes_with_an_answer() {
        let breakers = Breakers::default();
        for _ in 0..4 {
            breakers.note("s", false);
        }
        assert!(breakers.wait("s").is_none());
        breakers.note("s", false);
        assert!(breakers.wait("s").is_some_and(|w| w <= OPEN.0));
        assert!(breakers.wait("other").is_none());
        breakers.note("s", true);
        assert!(breakers.wait("s").is_none());
    }

    #[test]
    fn one_caller_tries_and_the_others_wait() {
        let breakers = Breakers::default();
        let past = Instant::now().checked_sub(Duration::from_secs(1));
        let tried = Breaker { failures: FAILURES, open_until: past };
        breakers.0.lock().unwrap().insert("s".into(), tried);
        assert!(breakers.wait("s").is_none());
        assert!(breakers.wait("s").is_some());
    }
}
