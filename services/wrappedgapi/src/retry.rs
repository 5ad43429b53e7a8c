//! When to send a request again, and when to give up.

use std::time::{Duration, Instant};

use google_apis_common::Retry;

use crate::google_error::GoogleError;

/// The retry policy of one call: truncated exponential backoff with full jitter in a fixed budget.
#[derive(Debug)]
pub struct RetryPolicy {
    idempotent: bool,
    deadline: Instant,
    attempt: u32,
    advice: Option<Duration>,
}

/// First bound of the random wait; Google's guides start at one second.
const FIRST: Duration = Duration::from_secs(1);
/// Last bound of the random wait.
const LAST: Duration = Duration::from_secs(32);

impl RetryPolicy {
    /// A policy for one call that may take `budget` altogether.
    pub fn new(idempotent: bool, budget: Duration) -> Self {
        Self { idempotent, deadline: Instant::now() + budget, attempt: 0, advice: None }
    }

    /// Time left for attempts and waits.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// After giving up: whether trying later may help, and how long to wait first.
    pub fn advice(&self) -> Option<Duration> {
        self.advice
    }

    /// After an error answer. Requests that change something go out again only when Google has
    /// acted on nothing: after a rate limit.
    pub fn google(&mut self, error: &GoogleError) -> Retry {
        let retryable =
            error.is_rate_limit() || (self.idempotent && error.status.is_server_error());
        self.decide(retryable, error.retry_after)
    }

    /// After a failure without an answer; `sent` unless the connection was never made.
    pub fn network(&mut self, sent: bool) -> Retry {
        self.decide(self.idempotent || !sent, None)
    }

    /// After a failure before the request was sent, such as at the token endpoint.
    pub fn unsent(&mut self) -> Retry {
        self.decide(true, None)
    }

    fn decide(&mut self, retryable: bool, asked: Option<Duration>) -> Retry {
        if !retryable {
            self.advice = None;
            return Retry::Abort;
        }
        let wait =
            asked.map_or_else(|| backoff(self.attempt), |asked| asked + jitter(LEAST_JITTER));
        self.attempt += 1;
        self.advice = Some(wait);
        // Giving up early lets the caller queue the call durably instead of holding it here.
        if wait >= self.remaining() { Retry::Abort } else { Retry::After(wait) }
    }
}

const LEAST_JITTER: Duration = Duration::from_millis(250);

fn backoff(attempt: u32) -> Duration {
    jitter(FIRST.saturating_mul(1 << attempt.min(5)).min(LAST))
}

fn jitter(most: Duration) -> Duration {
    most.mul_f64(rand::random::<f64>())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use serde_json::json;

    use super::*;

    fn error(status: u16, reason: &str, wait: Option<&str>) -> GoogleError {
        let body = json!({"error": {"errors": [{"reason": reason}]}}).to_string();
        let mut headers = HeaderMap::new();
        headers.extend(wait.map(|wait| (http::header::RETRY_AFTER, wait.parse().unwrap())));
        GoogleError::parse(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    fn policy(idempotent: bool) -> RetryPolicy {
        RetryPolicy::new(idempotent, Duration::from_secs(20))
    }

    fn retries(policy: &mut RetryPolicy, error: &GoogleError) -> bool {
        matches!(policy.google(error), Retry::After(_))
    }

    #[test]
    fn reads_are_repeated_after_5xx_and_rate_limits_only() {
        for (status, reason, expected) in [
            (500, "backendError", true),
            (503, "", true),
            (429, "rateLimitExceeded", true),
            (403, "userRateLimitExceeded", true),
            (403, "quotaExceeded", true),
            (403, "dailyLimitExceeded", false),
            (403, "forbidden", false),
            (400, "failedPrecondition", false),
            (404, "notFound", false),
        ] {
            assert_eq!(
                retries(&mut policy(true), &error(status, reason, None)),
                expected,
                "{status} {reason}"
            );
        }
    }

    #[test]
    fn writes_are_repeated_only_when_nothing_was_done() {
        assert!(!retries(&mut policy(false), &error(503, "", None)));
        assert_eq!(policy(false).advice(), None);
        assert!(retries(&mut policy(false), &error(429, "", None)));
        assert!(retries(&mut policy(false), &error(403, "rateLimitExceeded", None)));
        assert!(matches!(policy(false).network(true), Retry::Abort));
        assert!(matches!(policy(false).network(false), Retry::After(_)));
    }

    #[test]
    fn googles_wait_is_kept_and_too_long_a_wait_gives_up_at_once_with_advice() {
        let Retry::After(wait) = policy(true).google(&error(429, "", Some("3"))) else { panic!() };
        assert!((3.0..3.26).contains(&wait.as_secs_f64()), "{wait:?}");
        let mut policy = policy(true);
        assert!(matches!(policy.google(&error(429, "", Some("3600"))), Retry::Abort));
        assert!(policy.advice().unwrap() >= Duration::from_secs(3600));
    }

    #[test]
    fn waits_grow_to_a_bound_and_are_random() {
        for attempt in 0..40 {
            let bound = (1u64 << attempt.min(5)).min(32);
            assert!(backoff(attempt) <= Duration::from_secs(bound));
        }
        let waits: Vec<_> = (0..20).map(|_| backoff(5)).collect();
        assert!(waits.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
