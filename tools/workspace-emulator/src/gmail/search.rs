//! Which messages a listing holds.

use crate::error::ApiError;
use crate::gate::Caller;
use crate::query::{Clock, Query, Searchable};
use crate::world::{Entry, World};

/// The parameters that messages.list and threads.list share.
#[derive(Debug)]
pub(super) struct Search {
    query: Query,
    labels: Vec<String>,
    hidden_too: bool,
    /// What page tokens belong to.
    pub listing: String,
}

impl Search {
    pub(super) fn new(world: &World, caller: &Caller, user: usize) -> Result<Self, ApiError> {
        let params = &caller.params;
        let text = params.get("q").unwrap_or_default();
        if !text.is_empty() && super::metadata_only(caller) {
            let message = "Metadata scope does not support 'q' parameter";
            return Err(ApiError::new(403, "forbidden", message));
        }
        let mut labels: Vec<String> = params.all("labelIds").map(str::to_owned).collect();
        labels.sort_unstable();
        let include = params.flag("includeSpamTrash")?;
        let query = Query::parse(text, Clock { now_ms: world.config.now_ms });
        let asked = labels.iter().any(|label| label == "SPAM" || label == "TRASH");
        let hidden_too = include || asked || query.wants_spam_or_trash();
        let listing = format!("{user}\u{0}{text}\u{0}{}\u{0}{include}", labels.join(","));
        Ok(Self { query, labels, hidden_too, listing })
    }

    /// What is found, newest first.
    pub(super) fn run(&self, world: &World, user: usize) -> Vec<Entry> {
        let mut entries = world.entries(user);
        entries.retain(|entry| {
            (self.hidden_too || !entry.is_spam_or_trash())
                && self.labels.iter().all(|label| entry.has_label(label))
                && (self.query.is_everything()
                    || self.query.matches(&Searchable::new(&world.open(user, entry))))
        });
        entries
    }
}

/// Live Gmail's estimate stops there; clients that trust it as a count are wrong, here too.
const MOST_ESTIMATED: usize = 201;

/// `resultSizeEstimate` for that many results.
pub(super) fn estimate(found: usize) -> usize {
    found.min(MOST_ESTIMATED)
}
