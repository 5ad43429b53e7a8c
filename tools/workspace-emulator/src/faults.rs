//! Faults on demand: what goes wrong, for which calls, how often.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// A rule: the next `times` calls that match go wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Which calls; everything that is left out matches all.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// How many calls; 1 if left out.
    #[serde(default = "once")]
    pub times: u64,
    /// What happens.
    #[serde(flatten)]
    pub fault: Fault,
}

/// Which calls a rule is about.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Match {
    /// A method id such as `gmail.users.messages.list`, `admin.users.list` or `oauth2.token`; a
    /// trailing `*` takes all that begin so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The address that the call is about or made as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Part of the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// What goes wrong. `hang_ms` combines with the others; alone, the right answer comes late.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Answer with this status and Google's JSON error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Wait first.
    #[serde(alias = "hang_ms", skip_serializing_if = "Option::is_none")]
    pub hang_ms: Option<u64>,
    /// Answer with a front end's HTML page (status 502 unless given).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub html: bool,
    /// Close the connection without an answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    /// With `reset`: do the work first, so that only the answer is lost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after: bool,
    /// The `Retry-After` header: seconds or a date.
    #[serde(alias = "retry_after", skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<serde_json::Value>,
    /// The error's `reason` instead of the status's usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A call as rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Method id.
    pub method: &'a str,
    /// Address, lower case.
    pub user: &'a str,
    /// Decoded path.
    pub path: &'a str,
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Rule>>);

impl Faults {
    /// Adds a rule after the others.
    ///
    /// # Errors
    /// Says what the rule lacks.
    pub fn add(&self, rule: Rule) -> Result<(), String> {
        let fault = &rule.fault;
        if fault.status.is_none() && fault.hang_ms.is_none() && !fault.html && !fault.reset {
            return Err("one of status, hang_ms, html, reset must be given".to_owned());
        }
        if fault.status.is_some_and(|status| !(400..=599).contains(&status)) {
            return Err("status: must be 400..599".to_owned());
        }
        self.rules().push(rule);
        Ok(())
    }

    /// The rules with what is left of them.
    pub fn list(&self) -> Vec<Rule> {
        self.rules().clone()
    }

    /// Drops all rules.
    pub fn clear(&self) {
        self.rules().clear();
    }

    /// The fault that befalls this call, if any; uses up one of the rule's times.
    pub fn take(&self, call: Call<'_>) -> Option<Fault> {
        let mut rules = self.rules();
        let place = rules.iter().position(|rule| rule.matches.covers(call))?;
        let fault = rules[place].fault.clone();
        rules[place].times = rules[place].times.saturating_sub(1);
        rules.retain(|rule| rule.times > 0);
        Some(fault)
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Match {
    fn covers(&self, call: Call<'_>) -> bool {
        let method = |wanted: &String| {
            // The documents call it directory.*, clients admin.*.
            let wanted = wanted.strip_prefix("admin.").map(|rest| format!("directory.{rest}"));
            let wanted = wanted.as_ref().or(self.method.as_ref()).map_or("", String::as_str);
            match wanted.strip_suffix('*') {
                Some(prefix) => call.method.starts_with(prefix),
                None => call.method == wanted,
            }
        };
        self.method.as_ref().is_none_or(method)
            && self.user.as_ref().is_none_or(|user| user.to_lowercase() == call.user)
            && self.path.as_ref().is_none_or(|path| call.path.contains(path))
    }
}

impl Fault {
    /// Reads the header form: `status=503`, `hang_ms=200`, `html`, `reset`, joined by `;`.
    pub fn from_header(text: &str) -> Option<Self> {
        let mut fault = Self::default();
        for part in text.split(';').map(str::trim) {
            match part.split_once('=').unwrap_or((part, "")) {
                ("status", value) => fault.status = Some(value.parse().ok()?),
                ("hang_ms", value) => fault.hang_ms = Some(value.parse().ok()?),
                ("retry_after", value) => fault.retry_after = Some(value.into()),
                ("reason", value) => fault.reason = Some(value.to_owned()),
                ("html", _) => fault.html = true,
                ("reset", _) => fault.reset = true,
                ("after", _) => fault.after = true,
                _ => return None,
            }
        }
        Some(fault)
    }
}

fn once() -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: &str) -> Rule {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn rules_match_and_wear_out() {
        let faults = Faults::default();
        let text =
            r#"{"match":{"method":"admin.users.list"},"times":2,"status":503,"retryAfter":1}"#;
        faults.add(rule(text)).unwrap();
        let call = Call { method: "directory.users.list", user: "a@x.example", path: "/admin" };
        assert!(faults.take(Call { method: "directory.users.get", ..call }).is_none());
        assert_eq!(faults.take(call).unwrap().status, Some(503));
        assert!(faults.take(call).is_some() && faults.take(call).is_none());
        faults.add(rule(r#"{"match":{"user":"A@x.example"},"hang_ms":5}"#)).unwrap();
        assert!(faults.take(Call { user: "b@x.example", ..call }).is_none());
        assert_eq!(faults.take(call).unwrap().hang_ms, Some(5));
    }

    #[test]
    fn empty_and_odd_rules_are_refused() {
        assert!(Faults::default().add(rule("{}")).is_err());
        assert!(Faults::default().add(rule(r#"{"status":200}"#)).is_err());
        assert_eq!(Fault::from_header("status=429;hang_ms=3").unwrap().status, Some(429));
        assert!(Fault::from_header("explode").is_none());
    }
}
