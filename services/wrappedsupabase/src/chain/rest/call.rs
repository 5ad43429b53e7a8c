//! A request to the database, as supabase-js makes it.

use tasker_core::Json;
use tasker_tables::{Count, Explain};

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Rows are read.
    Select,
    /// Rows are added.
    Insert,
    /// Rows are added, or change those that are there.
    Upsert {
        /// Columns that say which row it is.
        on_conflict: Option<String>,
        /// Rows that are there stay as they are.
        ignore: bool,
    },
    /// Rows are changed.
    Update,
    /// Rows are removed.
    Delete,
    /// A function is called.
    Rpc {
        /// By `GET`: it cannot write.
        get: bool,
    },
}

/// What becomes of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum One {
    /// An array.
    Many,
    /// `maybeSingle()`: the row or null; more than one row is an error.
    OrNone,
}

/// The form that is asked for; the last word counts.
#[derive(Clone, Copy, Debug, Default)]
pub enum Accept {
    /// JSON.
    #[default]
    Usual,
    /// `single()`: the row; anything but one row is an error.
    Object,
    /// Comma separated lines.
    Csv,
    /// GeoJSON.
    Geo,
    /// The plan of what was asked for before (`object`, `csv`).
    Plan(Explain, &'static str),
}

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `select`, `columns`, `on_conflict`.
    Shape,
    /// A condition on a column.
    Filter,
    /// `or`.
    Logic,
    /// `order`.
    Order,
    /// `limit`.
    Limit,
    /// `offset`.
    Offset,
    /// An argument of a function that is called by `GET`.
    Argument,
}

/// What a value was before it became text.
#[derive(Clone, Debug)]
pub enum Exact {
    /// Null.
    Null,
    /// Elements.
    List(Vec<Json>),
}

/// A parameter of the request.
#[derive(Clone, Debug)]
pub struct Param {
    /// What it is for.
    pub kind: Kind,
    /// The method that made it.
    pub method: String,
    /// The embedded table it speaks of.
    pub table: Option<String>,
    /// Its name in the address.
    pub key: String,
    /// Its value in the address.
    pub value: String,
    /// What the value was.
    pub exact: Option<Exact>,
}

/// A request to the database.
#[derive(Clone, Debug)]
pub struct RestCall {
    /// Schema.
    pub schema: Option<String>,
    /// Table, view, or function.
    pub target: String,
    /// What is done.
    pub verb: Verb,
    /// Only the head of the answer.
    pub head: bool,
    /// Parameters, in the order they were set.
    pub params: Vec<Param>,
    /// Preferences, in the order they were given.
    pub prefer: Vec<String>,
    /// Rows, patch, or arguments, byte for byte.
    pub body: Option<Json>,
    /// How rows are counted.
    pub count: Option<Count>,
    /// A field that a row lacks is null, and not the column's default.
    pub default_to_null: bool,
    /// Whether rows are answered.
    pub returning: bool,
    /// What becomes of the rows.
    pub one: One,
    /// The form that is asked for.
    pub accept: Accept,
    /// Fields that are null are left out.
    pub strip_nulls: bool,
    /// The change is undone.
    pub rollback: bool,
    /// Most rows that may be affected.
    pub max_affected: Option<u64>,
    /// A read is repeated when the network fails.
    pub retry: bool,
    /// An error is thrown and not answered.
    pub throw: bool,
    /// More headers.
    pub headers: Vec<(String, String)>,
}

impl RestCall {
    /// Whether it may change anything.
    pub fn writes(&self) -> bool {
        !matches!(self.verb, Verb::Select | Verb::Rpc { get: true })
    }
}
