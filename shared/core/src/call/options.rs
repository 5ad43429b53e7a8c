//! How one host call is to be made: the fourth argument of `__callHostTool__`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

/// Longest time one attempt may take, milliseconds.
const LONGEST_TIMEOUT_MS: u64 = 3_600_000;
/// How the keys begin that tasker gives to calls that have none of their own.
pub const OWN_KEYS: &str = "sr-";
/// Statuses that say "not now" whatever was asked.
const BUSY: [u16; 2] = [429, 503];
/// Statuses of a gateway that does not know what became of the request.
const GATEWAY: [u16; 2] = [502, 504];
/// A service that cannot be reached was not asked: such attempts go on for about a day.
const UNREACHABLE_ATTEMPTS: u32 = 1_440;

/// `{ retry, timeoutMs, idempotencyKey }`, each optional.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CallOptions {
    /// When and how often to try again.
    #[serde(deserialize_with = "retry", skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Longest time one attempt may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Key that the service knows the request by. A call with one may be repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// When a failed attempt is repeated. Full jitter: each wait is random, below a window that starts
/// at `backoffMs`, doubles with each attempt and ends at `maxBackoffMs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Retry {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// First window, milliseconds.
    pub backoff_ms: u64,
    /// Largest window, milliseconds.
    pub max_backoff_ms: u64,
    /// HTTP statuses to try again after, in place of 429, 503 and, if the call may be repeated,
    /// 502 and 504.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statuses: Option<Vec<u16>>,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 8, backoff_ms: 1_000, max_backoff_ms: 60_000, statuses: None }
    }
}

/// `false`, a number of attempts, or all of it.
fn retry<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Retry>, D::Error> {
    use serde::de::Error as _;
    let value = serde_json::Value::deserialize(d)?;
    match &value {
        serde_json::Value::Null | serde_json::Value::Bool(true) => Ok(None),
        serde_json::Value::Bool(false) => Ok(Some(Retry { attempts: 1, ..Retry::default() })),
        serde_json::Value::Number(n) => {
            let attempts = n.as_u64().and_then(|n| u32::try_from(n).ok());
            let attempts =
                attempts.ok_or_else(|| D::Error::custom("retry must be a whole number"))?;
            Ok(Some(Retry { attempts, ..Retry::default() }))
        }
        _ => serde_json::from_value(value)
            .map(Some)
            .map_err(|e| D::Error::custom(format!("retry: {e}"))),
    }
}

impl CallOptions {
    /// Reads what task code gave; the error says what to change.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: String| format!("__callHostTool__ options: {why}");
        let options: Option<Self> = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let options = options.unwrap_or_default();
        options.check().map_err(wrong)?;
        Ok(options)
    }

    fn check(&self) -> Result<(), String> {
        if self.timeout_ms.is_some_and(|ms| !(1..=LONGEST_TIMEOUT_MS).contains(&ms)) {
            return Err(format!("timeoutMs must be from 1 to {LONGEST_TIMEOUT_MS}"));
        }
        let header = |c: char| c.is_ascii_graphic() || c == ' ';
        if self
            .idempotency_key
            .as_ref()
            .is_some_and(|k| k.is_empty() || k.len() > 255 || !k.chars().all(header))
        {
            return Err("idempotencyKey must be 1 to 255 printable ASCII characters".into());
        }
        if self.idempotency_key.as_ref().is_some_and(|k| k.starts_with(OWN_KEYS)) {
            return Err(format!(
                "idempotencyKey must not begin with {OWN_KEYS}: those keys are tasker's"
            ));
        }
        match &self.retry {
            Some(r) if !(1..=10_000).contains(&r.attempts) => {
                Err("retry.attempts must be from 1 to 10000".into())
            }
            Some(r) if r.max_backoff_ms > 86_400_000 || r.backoff_ms > r.max_backoff_ms => {
                Err("retry.backoffMs must be at most maxBackoffMs, and that at most a day".into())
            }
            _ => Ok(()),
        }
    }

    /// Reads a task's own defaults, its `callOptions`; the error says what to change.
    pub fn parse_defaults(text: &str) -> Result<Self, String> {
        let wrong = |why: String| format!("callOptions of the task: {why}");
        let options: Self = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if options.idempotency_key.is_some() {
            let why = "idempotencyKey names one request: give it with the call";
            return Err(wrong(why.into()));
        }
        options.check().map_err(wrong)?;
        Ok(options)
    }

    /// These, and where they say nothing, the task's `defaults`.
    pub fn or(self, defaults: &Self) -> Self {
        Self {
            retry: self.retry.or_else(|| defaults.retry.clone()),
            timeout_ms: self.timeout_ms.or(defaults.timeout_ms),
            idempotency_key: self.idempotency_key,
        }
    }

    /// Whether nothing was asked for.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a `status` that the service answered is worth another attempt. `said` is the
    /// service's own word on that.
    pub fn retries(&self, status: u16, said: Option<bool>, idempotent: bool) -> bool {
        if let Some(statuses) = self.retry.as_ref().and_then(|r| r.statuses.as_ref()) {
            return statuses.contains(&status);
        }
        let passing = BUSY.contains(&status) || idempotent && GATEWAY.contains(&status);
        said.unwrap_or(passing)
    }

    /// How long to wait after the `attempt`-th attempt failed; `None` if it was the last.
    /// `unreachable`: the request never left. `jitter` is from 0 to 1.
    pub fn wait(&self, attempt: u32, unreachable: bool, jitter: f64) -> Option<Duration> {
        let default = Retry::default();
        let retry = self.retry.as_ref().unwrap_or(&default);
        let patient = unreachable && self.retry.is_none();
        let attempts = if patient { UNREACHABLE_ATTEMPTS } else { retry.attempts };
        if attempt >= attempts {
            return None;
        }
        let doubled = retry.backoff_ms.saturating_mul(1 << attempt.saturating_sub(1).min(30));
        let window = Duration::from_millis(doubled.min(retry.max_backoff_ms));
        Some(window.mul_f64(jitter.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> CallOptions {
        CallOptions::parse(text).unwrap()
    }

    #[test]
    fn every_spelling_of_retry() {
        assert_eq!(options("null"), CallOptions::default());
        assert_eq!(options(r#"{"retry":false}"#).retry.unwrap().attempts, 1);
        assert_eq!(options(r#"{"retry":3}"#).retry.unwrap().attempts, 3);
        let own = options(r#"{"retry":{"attempts":5,"statuses":[500]}}"#);
        assert!(own.retries(500, None, false) && !own.retries(429, None, false));
    }

    #[test]
    fn a_call_says_more_than_its_task() {
        let task = CallOptions::parse_defaults(r#"{"retry":2,"timeoutMs":500}"#).unwrap();
        let call = options(r#"{"retry":false,"idempotencyKey":"k"}"#).or(&task);
        assert_eq!(call.retry.unwrap().attempts, 1);
        assert_eq!((call.timeout_ms, call.idempotency_key.as_deref()), (Some(500), Some("k")));
        assert_eq!(CallOptions::default().or(&task), task);
        let wrong = |text: &str| CallOptions::parse_defaults(text).unwrap_err();
        assert!(wrong(r#"{"idempotencyKey":"k"}"#).contains("give it with the call"));
        assert!(wrong(r#"{"retires":2}"#).contains("callOptions of the task: unknown field"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |text: &str| CallOptions::parse(text).unwrap_err();
        assert!(wrong(r#"{"retires":1}"#).contains("unknown field `retires`"));
        assert!(wrong(r#"{"retry":{"attempts":0}}"#).contains("retry.attempts must be"));
        assert!(wrong(r#"{"retry":"twice"}"#).contains("retry: invalid type"));
        assert!(wrong(r#"{"timeoutMs":0}"#).contains("timeoutMs must be from 1"));
        assert!(wrong(r#"{"idempotencyKey":"a\nb"}"#).contains("idempotencyKey must be"));
        assert!(wrong(r#"{"idempotencyKey":"sr-7"}"#).contains("must not begin with sr-"));
        assert!(wrong("7").contains("invalid type"));
    }

    #[test]
    fn waits_grow_to_the_cap_and_end() {
        let all = options(r#"{"retry":{"attempts":6,"backoffMs":100,"maxBackoffMs":500}}"#);
        let waits: Vec<_> =
            (1..=6).map(|n| all.wait(n, false, 1.0).map(|w| w.as_millis())).collect();
        assert_eq!(waits, [Some(100), Some(200), Some(400), Some(500), Some(500), None]);
        assert_eq!(all.wait(3, false, 0.5).unwrap().as_millis(), 200);
    }

    #[test]
    fn a_service_that_was_not_asked_is_waited_for() {
        let none = CallOptions::default();
        assert!(none.wait(8, false, 1.0).is_none() && none.wait(1_000, true, 1.0).is_some());
        assert!(options(r#"{"retry":2}"#).wait(2, true, 1.0).is_none());
        assert!(none.retries(503, None, false) && !none.retries(502, None, false));
        assert!(!none.retries(503, Some(false), true) && none.retries(400, Some(true), false));
    }
}
