//! What a Gmail search over the whole Workspace must find, straight from the world: no paging, no HTTP.

use serde::Serialize;

use crate::query::{Clock, Query, Searchable};
use crate::world::World;

/// The largest page of either API.
const PAGE: usize = 500;

/// The expected result.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Truth {
    /// Totals.
    pub summary: Summary,
    /// In the Directory's order.
    pub domains: Vec<DomainTruth>,
    /// Calls that the task makes: one domains.list; per domain its users.list pages; per user its
    /// messages.list pages; one messages.get per message found. A user whose mail cannot be read
    /// costs one failed messages.list.
    pub host_calls: usize,
}

/// Totals.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Domains of the customer.
    pub total_domains: usize,
    /// Users that were searched.
    pub total_users: usize,
    /// Messages found.
    pub total_messages_found: usize,
    /// The search.
    pub search_query: String,
}

/// One domain.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DomainTruth {
    /// Its name.
    pub domain: String,
    /// Users that were searched.
    pub user_count: usize,
    /// Messages found.
    pub total_messages: usize,
    /// By address.
    pub users: Vec<UserTruth>,
}

/// One user.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct UserTruth {
    /// Primary address.
    pub email: String,
    /// Full name.
    pub name: String,
    /// Messages found.
    pub message_count: usize,
    /// Newest first.
    pub message_ids: Vec<String>,
    /// Why the mail cannot be read, if it cannot: `invalid_grant` or `failedPrecondition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
}

/// Searches the world as the task does: at most `max_users` per domain (first by address), at most
/// `max_results` messages per user (newest first). Both count at least 1.
pub fn truth(world: &World, query: &str, max_users: usize, max_results: usize) -> Truth {
    let (max_users, max_results) = (max_users.max(1), max_results.max(1));
    let parsed = Query::parse(query, Clock { now_ms: world.config.now_ms });
    let mut host_calls = 1;
    let mut domains = Vec::new();
    for domain in &world.domains {
        let mut found = world.users_of(&domain.name);
        found.truncate(max_users);
        host_calls += pages(found.len(), max_users);
        let users: Vec<UserTruth> =
            found.iter().map(|user| of_user(world, *user, &parsed, max_results)).collect();
        for user in &users {
            host_calls += pages(user.message_count, max_results) + user.message_count;
        }
        let total_messages = users.iter().map(|user| user.message_count).sum();
        let (domain, user_count) = (domain.name.clone(), users.len());
        domains.push(DomainTruth { domain, user_count, total_messages, users });
    }
    let summary = Summary {
        total_domains: domains.len(),
        total_users: domains.iter().map(|domain| domain.user_count).sum(),
        total_messages_found: domains.iter().map(|domain| domain.total_messages).sum(),
        search_query: query.to_owned(),
    };
    Truth { summary, domains, host_calls }
}

fn of_user(world: &World, user: usize, query: &Query, max_results: usize) -> UserTruth {
    let (email, name) = (world.users[user].email.clone(), world.users[user].full_name());
    let error = world.trouble(user).map(crate::world::Trouble::reason);
    let mut message_ids = Vec::new();
    let entries = if error.is_some() { Vec::new() } else { world.entries(user) };
    for entry in &entries {
        if message_ids.len() == max_results {
            break;
        }
        let listed = !entry.is_spam_or_trash() || query.wants_spam_or_trash();
        let found =
            || query.is_everything() || query.matches(&Searchable::new(&world.open(user, entry)));
        if listed && found() {
            message_ids.push(entry.id.clone());
        }
    }
    UserTruth { email, name, message_count: message_ids.len(), message_ids, error }
}

/// Pages that it takes to list `count` of at most `most` things.
fn pages(count: usize, most: usize) -> usize {
    count.div_ceil(most.min(PAGE)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Trouble, WorldConfig};

    #[test]
    fn the_empty_query_costs_29503_calls() {
        let truth = truth(&World::new(WorldConfig::default()), "", 500, 300);
        assert_eq!(truth.summary.total_messages_found, 29_400);
        assert_eq!(truth.host_calls, 29_503);
    }

    #[test]
    fn pages_are_counted_as_the_task_reads_them() {
        assert_eq!(
            [pages(0, 300), pages(300, 300), pages(500, 700), pages(501, 700)],
            [1, 1, 1, 2]
        );
        assert_eq!([pages(700, 700), pages(5, 5), pages(1000, 1000)], [2, 1, 2]);
    }

    #[test]
    fn troubled_people_have_no_mail() {
        let world = World::new(WorldConfig { messages_per_user: 5, ..WorldConfig::default() });
        world.set_trouble(2, Some(Trouble::Suspended));
        let truth = truth(&world, "", 500, 300);
        assert_eq!(truth.summary.total_messages_found, 97 * 5);
        assert_eq!(truth.host_calls, 1 + 4 + 98 + 97 * 5);
        assert_eq!(truth.summary.total_users, 98);
    }
}
