//! A test world's ground truth, and how a result compares with it.

use anyhow::Context;
use comfy_table::{Cell, Color, Table};
use serde::Deserialize;
use serde_json::Value;

use crate::{args::GmailSearch, client::Client, render::table, screen::Screen};

/// What a search must find.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Truth {
    /// Totals.
    pub summary: Summary,
    /// In the order of the result.
    pub domains: Vec<Domain>,
    /// Host calls that it takes.
    pub host_calls: u64,
}

/// Totals.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Domains.
    pub total_domains: u64,
    /// Users that are searched.
    pub total_users: u64,
    /// Messages.
    pub total_messages_found: u64,
    /// The search.
    pub search_query: String,
}

/// One domain.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// Its name.
    pub domain: String,
    /// Users that are searched.
    pub user_count: u64,
    /// Messages.
    pub total_messages: u64,
    /// By address.
    pub users: Vec<User>,
}

/// One user.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Primary address.
    pub email: String,
    /// Messages.
    pub message_count: u64,
    /// Newest first.
    pub message_ids: Vec<String>,
    /// Why the mailbox cannot be read, if it cannot.
    #[serde(default)]
    pub error: Option<String>,
}

/// One comparison.
#[derive(Debug)]
pub struct Check {
    /// What is compared.
    pub what: &'static str,
    /// What must be.
    pub expected: String,
    /// What is.
    pub found: String,
    /// Each difference in words; none if the check holds.
    pub differences: Vec<String>,
}

impl Check {
    /// Whether there is no difference.
    pub fn holds(&self) -> bool {
        self.differences.is_empty()
    }

    fn equal(what: &'static str, expected: &Value, found: &Value) -> Self {
        let differences = if expected == found {
            Vec::new()
        } else {
            vec![format!("{what}: expected {expected}, found {found}")]
        };
        Self { what, expected: expected.to_string(), found: found.to_string(), differences }
    }

    fn each(what: &'static str, of: usize, differences: Vec<String>) -> Self {
        let right = of.saturating_sub(differences.len());
        Self { what, expected: format!("{of} right"), found: format!("{right} right"), differences }
    }
}

/// Reads the truth from a file or a URL. A URL without a query is asked for this very search.
pub async fn load(client: &Client, from: &str, args: &GmailSearch) -> anyhow::Result<Truth> {
    let value = if from.starts_with("http://") || from.starts_with("https://") {
        let mut url =
            reqwest::Url::parse(from).with_context(|| format!("--check-truth: {from}"))?;
        if url.query().is_none() {
            url.query_pairs_mut()
                .append_pair("query", &args.query)
                .append_pair("maxUsers", &args.max_users_per_domain.to_string())
                .append_pair("maxResults", &args.max_results_per_user.to_string());
        }
        client.fetch(url.as_str()).await?
    } else {
        let text = std::fs::read_to_string(from).with_context(|| format!("cannot read {from}"))?;
        serde_json::from_str(&text).with_context(|| format!("{from} is not JSON"))?
    };
    serde_json::from_value(value).with_context(|| format!("{from} is no ground truth"))
}

/// Compares a result (and the run's count of calls) with the truth.
pub fn checks(truth: &Truth, result: &Value, run_calls: Option<u64>) -> Vec<Check> {
    let (summary, expected) = (&result["summary"], &truth.summary);
    let calls = &result["executionInfo"]["totalApiCalls"];
    let mut checks = vec![
        Check::equal("domains", &expected.total_domains.into(), &summary["totalDomains"]),
        Check::equal("users", &expected.total_users.into(), &summary["totalUsers"]),
        Check::equal(
            "messages",
            &expected.total_messages_found.into(),
            &summary["totalMessagesFound"],
        ),
        Check::equal("query", &expected.search_query.as_str().into(), &summary["searchQuery"]),
        Check::equal("host calls, as the task counts", &truth.host_calls.into(), calls),
        Check::equal("host calls, as the run counts", &truth.host_calls.into(), &run_calls.into()),
    ];
    checks.extend(by_domain(truth, result));
    checks
}

/// The checks as a table.
pub fn checks_table(screen: Screen, checks: &[Check]) -> Table {
    let mut rows = table(screen, &["", "Check", "Expected", "Found"]);
    for check in checks {
        let mark = if check.holds() {
            Cell::new("ok").fg(Color::Green)
        } else {
            Cell::new("WRONG").fg(Color::Red)
        };
        rows.add_row([
            mark,
            Cell::new(check.what),
            Cell::new(&check.expected),
            Cell::new(&check.found),
        ]);
    }
    rows
}

fn by_domain(truth: &Truth, result: &Value) -> [Check; 4] {
    let (mut domains, mut counts, mut ids, mut errors) = (vec![], vec![], vec![], vec![]);
    let found = list(&result["domainResults"]);
    for (at, domain) in truth.domains.iter().enumerate() {
        let there = found.get(at).unwrap_or(&Value::Null);
        let named = there["domain"] == domain.domain.as_str();
        let counted = there["userCount"] == domain.user_count
            && there["totalMessages"] == domain.total_messages;
        let users = list(&there["users"]);
        if !named || !counted || users.len() != domain.users.len() {
            domains.push(format!(
                "domain {}: expected {} with {} users, {} messages; found {} with {} users, {} messages",
                at + 1, domain.domain, domain.user_count, domain.total_messages,
                there["domain"], there["userCount"], there["totalMessages"],
            ));
        }
        for (at, user) in domain.users.iter().enumerate() {
            let there = users.get(at).unwrap_or(&Value::Null);
            counts.extend(count_differs(user, there));
            ids.extend(ids_differ(user, there));
            errors.extend(error_differs(user, there));
        }
    }
    if found.len() > truth.domains.len() {
        domains.push(format!("{} domains too many", found.len() - truth.domains.len()));
    }
    let users = truth.domains.iter().map(|domain| domain.users.len()).sum();
    [
        Check::each("each domain", truth.domains.len(), domains),
        Check::each("each user's count", users, counts),
        Check::each("each user's message ids, in order", users, ids),
        Check::each("each user's reachability", users, errors),
    ]
}

fn count_differs(user: &User, found: &Value) -> Option<String> {
    let same = found["email"] == user.email.as_str() && found["messageCount"] == user.message_count;
    (!same).then(|| {
        format!(
            "{}: expected {} messages; found {} with {}",
            user.email, user.message_count, found["email"], found["messageCount"]
        )
    })
}

fn ids_differ(user: &User, found: &Value) -> Option<String> {
    let found: Vec<&str> =
        list(&found["messages"]).iter().filter_map(|m| m["id"].as_str()).collect();
    let longest = found.len().max(user.message_ids.len());
    let at = (0..longest)
        .find(|at| user.message_ids.get(*at).map(String::as_str) != found.get(*at).copied())?;
    let word = |id: Option<&str>| id.unwrap_or("nothing").to_owned();
    Some(format!(
        "{}: message {}: expected {}, found {}",
        user.email,
        at + 1,
        word(user.message_ids.get(at).map(String::as_str)),
        word(found.get(at).copied()),
    ))
}

fn error_differs(user: &User, found: &Value) -> Option<String> {
    let reason = found["error"]["reason"].as_str().or_else(|| found["error"]["message"].as_str());
    match (&user.error, reason) {
        (None, None) => None,
        (Some(expected), Some(reason)) if expected == reason => None,
        (expected, reason) => Some(format!(
            "{}: expected error {}, found {}",
            user.email,
            expected.as_deref().unwrap_or("none"),
            reason.unwrap_or("none"),
        )),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests;
