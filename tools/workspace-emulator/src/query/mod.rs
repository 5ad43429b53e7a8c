//! Gmail's search language: text to syntax tree to yes or no about one message.

mod date;
mod eval;
mod label;
mod lexer;
mod parser;

pub use eval::{Clock, Searchable};

/// A parsed search. An empty one finds everything outside of spam and trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    root: Node,
}

impl Query {
    /// Parses a search. Never fails: like Gmail, what is no operator is text.
    pub fn parse(text: &str, clock: Clock) -> Self {
        Self { root: parser::parse(text, clock) }
    }

    /// True if the search itself asks for spam or trash (`in:spam`, `in:trash`, `in:anywhere`).
    pub fn wants_spam_or_trash(&self) -> bool {
        self.root.wants_hidden()
    }

    /// True if the message is found; where it lies (spam, trash) is the caller's business.
    pub fn matches(&self, message: &Searchable<'_>) -> bool {
        self.root.matches(message)
    }

    /// True if the search finds every message, so that none needs to be opened.
    pub fn is_everything(&self) -> bool {
        self.root == Node::Everything
    }
}

/// The syntax tree.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Everything,
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Term(Term),
}

/// A leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    /// Words in this order anywhere in subject, body, addresses or file names.
    Words(Vec<String>),
    /// Words in this order in one header.
    Header(&'static str, Vec<String>),
    /// A label by id or by name with `-` for everything unusual.
    Label(String),
    /// `in:anywhere`.
    Anywhere,
    /// `is:read`.
    Read,
    HasAttachment,
    HasUserLabels,
    Filename(Vec<String>),
    /// Epoch milliseconds: strictly before.
    Before(i64),
    /// Epoch milliseconds: at or after.
    After(i64),
    Larger(u64),
    Smaller(u64),
    MessageId(String),
    /// A known operator with a value that nothing has, like `is:snoozed`.
    Nothing,
}

impl Node {
    fn wants_hidden(&self) -> bool {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().any(Self::wants_hidden),
            Self::Term(Term::Anywhere) => true,
            Self::Term(Term::Label(label)) => matches!(label.as_str(), "spam" | "trash"),
            // "-in:spam" asks for less, not for more.
            Self::Not(_) | Self::Everything | Self::Term(_) => false,
        }
    }
}

/// Splits text into lower-case words, as the search sees them.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}
