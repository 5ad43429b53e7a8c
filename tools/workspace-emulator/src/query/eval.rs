//! Asks a search about one message.

use std::cell::OnceCell;

use super::label::label_name;
use super::{Node, Term, words};
use crate::world::{Message, USER_LABELS};

/// The world's "now", for `newer_than:` and `older_than:`.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Epoch milliseconds.
    pub now_ms: i64,
}

/// A message, cut into words no more than once.
#[derive(Debug)]
pub struct Searchable<'a> {
    message: &'a Message,
    text: OnceCell<Vec<Vec<String>>>,
}

impl<'a> Searchable<'a> {
    /// Wraps a message.
    pub fn new(message: &'a Message) -> Self {
        Self { message, text: OnceCell::new() }
    }

    /// Subject, addresses, body and file names: words do not run from one into the next.
    fn text(&self) -> &[Vec<String>] {
        self.text.get_or_init(|| {
            let named = ["Subject", "From", "To", "Cc", "Bcc"];
            let headers = named.iter().flat_map(|name| self.message.headers_named(name));
            let files = self.message.body.attachments.iter().map(|a| words(&a.filename));
            let body = std::iter::once(words(&self.message.text()));
            headers.map(words).chain(body).chain(files).collect()
        })
    }

    fn wears(&self, label: &str) -> bool {
        let named = |id: &str| {
            let user = USER_LABELS.iter().find(|(known, _)| *known == id);
            label_name(id) == label || user.is_some_and(|(_, name)| label_name(name) == label)
        };
        self.message.labels.iter().any(|id| named(id))
    }
}

impl Node {
    pub(super) fn matches(&self, message: &Searchable<'_>) -> bool {
        match self {
            Self::Everything => true,
            Self::All(nodes) => nodes.iter().all(|node| node.matches(message)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(message)),
            Self::Not(node) => !node.matches(message),
            Self::Term(term) => term.matches(message),
        }
    }
}

impl Term {
    fn matches(&self, searchable: &Searchable<'_>) -> bool {
        let message = searchable.message;
        match self {
            Self::Words(wanted) => searchable.text().iter().any(|text| contains(text, wanted)),
            Self::Header(name, wanted) => {
                message.headers_named(name).any(|value| contains(&words(value), wanted))
            }
            Self::Label(label) => searchable.wears(label),
            Self::Anywhere => true,
            Self::Read => !message.has_label("UNREAD"),
            Self::HasAttachment => !message.body.attachments.is_empty(),
            Self::HasUserLabels => message.labels.iter().any(|l| l.starts_with("Label_")),
            Self::Filename(wanted) => {
                message.body.attachments.iter().any(|a| contains(&words(&a.filename), wanted))
            }
            Self::Before(ms) => message.internal_date < *ms,
            Self::After(ms) => message.internal_date >= *ms,
            Self::Larger(bytes) => message.size_estimate() > *bytes,
            Self::Smaller(bytes) => message.size_estimate() < *bytes,
            Self::MessageId(id) => message
                .header("Message-ID")
                .is_some_and(|value| value.trim_matches(['<', '>']).eq_ignore_ascii_case(id)),
            Self::Nothing => false,
        }
    }
}

fn contains(text: &[String], wanted: &[String]) -> bool {
    wanted.is_empty() || text.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::super::Query;
    use super::*;
    use crate::world::{Body, FIXED_NOW_MS, Header};

    fn found(query: &str, message: &Message) -> bool {
        Query::parse(query, Clock { now_ms: FIXED_NOW_MS }).matches(&Searchable::new(message))
    }

    fn message() -> Message {
        let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
        let text = "Please find the invoice attached. Café & co isn't closed.";
        Message {
            id: "1".into(),
            thread_id: "1".into(),
            labels: ["INBOX", "UNREAD", "Label_2", "CATEGORY_UPDATES"].map(String::from).to_vec(),
            internal_date: FIXED_NOW_MS - 3 * 86_400_000,
            history_id: 1,
            headers: vec![
                header("FROM", "Liz Smith <liz@alpha.example>"),
                header("To", "Bob <bob@beta.example>, Zoë <zoe@alpha.example>"),
                header("Subject", "Quarterly invoice"),
                header("Message-Id", "<abc@mail.example>"),
            ],
            body: Body { text: Some(text.into()), html: None, attachments: Vec::new() },
            raw: None,
        }
    }

    #[test]
    fn finds_what_it_should() {
        let message = message();
        for query in [
            "invoice",
            "INVOICE café",
            "\"find the invoice\"",
            "from:liz",
            "from:alpha.example",
            "from:liz@alpha.example",
            "to:zoë",
            "to:(nobody OR bob)",
            "subject:quarterly",
            "subject:(invoice quarterly)",
            "label:inbox",
            "label:projects-apollo",
            "in:inbox",
            "label:Label_2",
            "is:unread",
            "-is:read",
            "-has:attachment",
            "newer_than:4d",
            "older_than:2d",
            "after:2026/11/01 before:2026-12-01",
            "before:1795176000",
            "smaller:10k -larger:10k",
            "rfc822msgid:abc@mail.example",
            "category:updates",
            "nothing OR invoice",
            "{nothing invoice}",
            "in:anywhere",
            "-from:bob",
            "isn't",
            "has:userlabels",
        ] {
            assert!(found(query, &message), "{query}");
        }
    }

    #[test]
    fn does_not_find_what_it_should_not() {
        let message = message();
        for query in [
            "invoic",
            "\"the find\"",
            "from:bob",
            "to:liz",
            "subject:attached",
            "is:read",
            "is:starred",
            "has:attachment",
            "filename:pdf",
            "newer_than:2d",
            "older_than:4d",
            "larger:10k",
            "label:receipts",
            "in:spam",
            "invoice -café",
            "from:(a OR b)",
            "is:odd",
            "\"invoice liz\"",
            "bcc:liz",
            "cc:bob",
        ] {
            assert!(!found(query, &message), "{query}");
        }
    }
}
