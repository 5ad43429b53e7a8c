//! Columns, and conditions on them.

use tasker_core::Json;

/// A column, or a place inside of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Column.
    pub column: String,
    /// Steps into a JSON document.
    pub path: Vec<PathStep>,
    /// The place's text (`->>`) instead of its JSON.
    pub text: bool,
}

/// A step into a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// Field of an object.
    Key(String),
    /// Element of an array; from the end if negative.
    Index(i32),
}

/// A condition.
#[derive(Clone, Debug)]
pub enum Condition {
    /// A test of one column.
    Test {
        /// The column.
        field: Field,
        /// It must not hold.
        negated: bool,
        /// The test.
        test: Test,
    },
    /// Several, joined.
    Several {
        /// How.
        logic: Logic,
        /// They must not hold.
        negated: bool,
        /// Which.
        all: Vec<Self>,
    },
}

/// How conditions are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logic {
    /// All hold.
    And,
    /// One holds.
    Or,
}

/// A test of one value.
#[derive(Clone, Debug)]
pub enum Test {
    /// A comparison, with one value, any or all of several.
    Compare(Compare, Option<Quantifier>, Operand),
    /// One of these.
    In(Vec<String>),
    /// `null`, `true`, ...
    Is(Words),
    /// Different, null being a value like others.
    Distinct(String),
    /// A full text search: function, configuration, query.
    Search {
        /// How the query is read.
        kind: Plan,
        /// Language.
        config: Option<String>,
        /// The query.
        query: String,
    },
}

/// What is on the right of a comparison.
#[derive(Clone, Debug)]
pub enum Operand {
    /// A literal of the column's type.
    Text(String),
    /// Elements; an array or a JSON document, as the column's type is.
    List(Vec<Json>),
}

/// Any or all of several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// One is enough.
    Any,
    /// All of them.
    All,
}

/// What a value can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's own words")]
pub enum Words {
    Null,
    NotNull,
    True,
    False,
    Unknown,
}

/// How a full text query is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// With operators.
    Query,
    /// As plain words.
    Plain,
    /// As a phrase.
    Phrase,
    /// As web searches are written.
    Web,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "PostgREST's own words")]
pub enum Compare {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
    Like,
    Ilike,
    Match,
    Imatch,
    Contains,
    Contained,
    Overlaps,
    StrictlyLeft,
    StrictlyRight,
    NotExtendsRight,
    NotExtendsLeft,
    Adjacent,
}
