//! What a request asks for.

use tasker_core::Json;

pub use super::condition::*;

/// Names and values, in the order they came.
pub type Fields = Vec<(String, Json)>;

/// Who asks, when it is not the service role: row level security applies.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Database role.
    pub role: String,
    /// All claims of the token, as JSON.
    pub claims: String,
    /// Whether the role is switched to. The service role keeps the connection's own.
    pub switch: bool,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Query {
    /// Schema; the default one without.
    pub schema: Option<String>,
    /// Table, view, or function.
    pub target: String,
    /// What is done.
    pub action: Action,
    /// What is answered. Its conditions also choose the rows that are changed.
    pub read: Read,
    /// Whether rows are answered.
    pub answers: bool,
    /// How rows are counted, if they are.
    pub count: Option<Count>,
    /// Anything but one row is an error, and undoes the change.
    pub single: bool,
    /// More rows than these are an error, and undo the change.
    pub max_affected: Option<u64>,
    /// The change is undone in any case.
    pub rollback: bool,
    /// Fields that are null are left out.
    pub strip_nulls: bool,
    /// Form of the answer.
    pub format: Format,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Rows are read.
    Read,
    /// Rows are added.
    Insert(Insert),
    /// Rows that match are changed.
    Update(Fields),
    /// Rows that match are removed.
    Delete,
    /// A function is called with named arguments.
    Call {
        /// The arguments.
        args: Fields,
        /// In a transaction that cannot write.
        read_only: bool,
    },
}

/// Rows to add.
#[derive(Clone, Debug, Default)]
pub struct Insert {
    /// The rows.
    pub rows: Vec<Fields>,
    /// What becomes of rows that are there.
    pub conflict: Option<Conflict>,
    /// A field that one row lacks and another has gets the column's default instead of null.
    pub missing_default: bool,
}

/// What becomes of rows that are there.
#[derive(Clone, Debug, Default)]
pub struct Conflict {
    /// Columns that say which row it is; the primary key without.
    pub columns: Vec<String>,
    /// They are left as they are.
    pub ignore: bool,
}

/// One level of the answer.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// What is selected.
    pub items: Vec<Item>,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Order of the rows.
    pub order: Vec<Order>,
    /// At most so many.
    pub limit: Option<u64>,
    /// After so many.
    pub offset: u64,
}

/// One selected thing.
#[derive(Clone, Debug)]
pub enum Item {
    /// All columns.
    All,
    /// A column, or what is computed from it.
    Value(Value),
    /// Related rows.
    Embed(Embed),
}

/// A column, or what is computed from it.
#[derive(Clone, Debug)]
pub struct Value {
    /// The column; none for `count()`.
    pub field: Option<Field>,
    /// Type it is cast to.
    pub cast: Option<String>,
    /// Aggregate, and the type its result is cast to.
    pub aggregate: Option<(Aggregate, Option<String>)>,
    /// Its name in the answer.
    pub alias: Option<String>,
}

/// Aggregate functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Number of values.
    Count,
    /// Their sum.
    Sum,
    /// Their average.
    Avg,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

/// Rows of a related table.
#[derive(Clone, Debug)]
pub struct Embed {
    /// Related table, foreign key, or column.
    pub target: String,
    /// Which of several relationships.
    pub hint: Option<String>,
    /// Its name in the answer.
    pub alias: Option<String>,
    /// Whether rows without any are left out.
    pub join: Join,
    /// Its fields become fields of the row above.
    pub spread: bool,
    /// What is selected of it.
    pub read: Read,
}

impl Embed {
    /// The name that its conditions go by.
    pub fn name(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.target)
    }
}

/// What a row without related rows is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// It is answered with null or an empty array.
    Left,
    /// It is left out.
    Inner,
}

/// One key of the order.
#[derive(Clone, Debug)]
pub struct Order {
    /// What is compared.
    pub by: OrderBy,
    /// Largest first.
    pub descending: bool,
    /// Where nulls go; last when ascending, unless said.
    pub nulls_first: Option<bool>,
}

/// What rows are ordered by.
#[derive(Clone, Debug)]
pub enum OrderBy {
    /// A column.
    Field(Field),
    /// A column of the related row: name of the embed, and the column.
    Related(String, Field),
}

/// How rows are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// All of them.
    Exact,
    /// As the planner guesses.
    Planned,
    /// Exactly while they are few.
    Estimated,
}

/// Form of the answer.
#[derive(Clone, Debug, Default)]
pub enum Format {
    /// JSON.
    #[default]
    Json,
    /// Comma separated lines, the first one with names.
    Csv,
    /// The plan instead of the rows.
    Explain(Explain),
}

/// How the plan is made and shown.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "Postgres's own words")]
pub struct Explain {
    pub analyze: bool,
    pub verbose: bool,
    pub settings: bool,
    pub buffers: bool,
    pub wal: bool,
    pub json: bool,
}
