//! `allPages`: follows `nextPageToken` and answers one list.

use std::time::Instant;

use serde_json::{Map, Value};

use crate::args::Arguments;
use crate::config::Config;
use crate::defaults;
use crate::error::CallError;
use crate::google::Google;
use crate::request;
use crate::resolve::Target;
use crate::send::Grant;

const PAGE_TOKEN: &str = "pageToken";
const NEXT: &str = "nextPageToken";

/// All pages in one object: the lists joined, other fields as the last page has them.
///
/// `nextPageToken` is left in when reading stopped early, after `maxItems` or when the pages'
/// budget was spent, so that the caller can go on from there.
///
/// # Errors
/// As for a single call.
pub async fn all(
    google: &Google,
    target: &Target,
    mut arguments: Arguments,
    grant: &Grant,
    config: &Config,
) -> Result<Value, CallError> {
    let deadline = Instant::now() + config.pages_budget;
    let mut joined = Joined::new(target);
    loop {
        if let Some(most) = arguments.options.max_items {
            limit_page(target, &mut arguments, most.saturating_sub(joined.items));
        }
        let request =
            request::build(target, &arguments, &config.roots).map_err(CallError::Arguments)?;
        let reply = google.send(&request, grant).await?;
        let Ok(Value::Object(page)) = serde_json::from_slice(&reply.body) else {
            return Err(CallError::Answer("a page is no JSON object".to_owned()));
        };
        joined.add(page);
        let Some(next) = joined.next.clone() else { return Ok(joined.finish()) };
        let full = arguments.options.max_items.is_some_and(|most| joined.items >= most);
        if full || Instant::now() >= deadline {
            return Ok(joined.finish());
        }
        if arguments.query.iter().any(|(name, value)| name == PAGE_TOKEN && *value == next) {
            return Err(CallError::Answer("Google answered the same page token twice".to_owned()));
        }
        set(&mut arguments, PAGE_TOKEN, next);
    }
}

struct Joined {
    fields: Map<String, Value>,
    resource: String,
    next: Option<String>,
    items: usize,
}

impl Joined {
    fn new(target: &Target) -> Self {
        let resource = target.path.rsplit('.').nth(1).unwrap_or_default().to_owned();
        Self { fields: Map::new(), resource, next: None, items: 0 }
    }

    /// Lists are joined; a page without its list (Gmail leaves an empty one out) adds nothing.
    fn add(&mut self, mut page: Map<String, Value>) {
        self.next = match page.remove(NEXT) {
            Some(Value::String(token)) if !token.is_empty() => Some(token),
            _ => None,
        };
        let lists = self.list_names(&page);
        for (name, value) in page {
            match (self.fields.get_mut(&name), value) {
                (Some(Value::Array(have)), Value::Array(more)) if lists.contains(&name) => {
                    have.extend(more);
                }
                (_, value) => drop(self.fields.insert(name, value)),
            }
        }
        let length =
            |name: &String| self.fields.get(name).and_then(Value::as_array).map_or(0, Vec::len);
        self.items = lists.iter().map(length).max().unwrap_or(self.items);
    }

    /// The field named `items` or like the resource; without such a one every list. Other lists,
    /// such as a calendar's default reminders, are the same on every page.
    fn list_names(&self, page: &Map<String, Value>) -> Vec<String> {
        let known = ["items", self.resource.as_str()];
        let is_list = |name: &&str| page.get(*name).is_some_and(Value::is_array);
        match known.iter().find(|name| is_list(name)) {
            Some(name) => vec![(*name).to_owned()],
            None => page.iter().filter(|(_, v)| v.is_array()).map(|(n, _)| n.clone()).collect(),
        }
    }

    fn finish(mut self) -> Value {
        if let Some(next) = self.next {
            self.fields.insert(NEXT.to_owned(), next.into());
        }
        Value::Object(self.fields)
    }
}

/// Asks for no more than is still wanted, so that reading stops at a page's end and
/// `nextPageToken` skips nothing.
fn limit_page(target: &Target, arguments: &mut Arguments, left: usize) {
    let parameters = &target.method.parameters;
    let size = |name: &&str| parameters.contains_key(*name);
    let Some(name) = ["maxResults", "pageSize"].into_iter().find(size) else { return };
    let asked = arguments.query.iter().find(|(n, _)| n == name).and_then(|(_, v)| v.parse().ok());
    let bounded = defaults::bounded(target, name, &parameters[name]);
    let most = bounded.maximum.and_then(|most| most.parse().ok()).unwrap_or(UNDOCUMENTED_MOST);
    set(arguments, name, left.clamp(1, asked.unwrap_or(most).max(1)).to_string());
}

const UNDOCUMENTED_MOST: usize = 100;

fn set(arguments: &mut Arguments, name: &str, value: String) {
    arguments.query.retain(|(n, _)| n != name);
    arguments.query.push((name.to_owned(), value));
}
