//! A supabase-js call chain, read into one query on one table.
//!
//! `verb` reads single links into a closed enum; [`plan`] puts them together.

mod verb;

use serde_json::Value;
use tasker_store::{TableOp, TableQuery};

use verb::Verb;

/// Rows of one answer at most, as Supabase's API is set up.
pub const MAX_ROWS: u32 = 1000;

/// A chain that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What the database is asked.
    pub query: TableQuery,
    /// What becomes of the rows.
    pub rows: Rows,
    /// Answer only the first so many of the rows that a write returns.
    pub cut: Option<u32>,
}

/// What `data` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// An array.
    Many,
    /// `single()`: the row; anything but one row is an error.
    One,
    /// `maybeSingle()`: the row or null; more than one row is an error.
    OneOrNone,
}

/// A chain that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The request or a link has the wrong shape or place; says which and the fix.
    #[error("{0}")]
    Format(String),
    /// A method there is not.
    #[error("{at}: method '{name}' is not supported")]
    Method {
        /// Which link.
        at: String,
        /// Its name.
        name: String,
    },
}

impl ChainError {
    /// The code in the answer, in the original's words.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Format(_) => "INVALID_CHAIN_FORMAT",
            Self::Method { .. } => "METHOD_NOT_FOUND",
        }
    }

    /// What can be done instead.
    pub fn hint(&self) -> Option<String> {
        matches!(self, Self::Method { .. })
            .then(|| format!("Supported methods: {}", verb::NAMES.join(", ")))
    }
}

/// Reads a chain.
///
/// # Errors
/// Names the link, counted from 0, and what it must be.
pub fn plan(chain: Option<&Value>) -> Result<Plan, ChainError> {
    let links =
        chain.and_then(Value::as_array).filter(|links| !links.is_empty()).ok_or_else(|| {
            ChainError::Format(
            "Invalid request format - expected chain array: {\"chain\":[{\"property\":\"from\",\
             \"args\":[\"<table>\"]},{\"property\":\"select\",\"args\":[\"*\"]}]}"
                .into(),
        )
        })?;
    let mut draft = Draft::default();
    for (i, link) in links.iter().enumerate() {
        let at = format!("chain[{i}]");
        let verb = verb::read(&at, link)?;
        draft.add(verb).map_err(|why| ChainError::Format(format!("{at}: {why}")))?;
    }
    draft.finish().map_err(|why| ChainError::Format(why.into()))
}

#[derive(Default)]
struct Draft {
    table: Option<String>,
    op: Option<TableOp>,
    select: Option<Vec<String>>,
    filters: Vec<tasker_store::Filter>,
    order: Vec<tasker_store::Order>,
    limit: Option<u32>,
    rows: Option<Rows>,
}

impl Draft {
    fn add(&mut self, verb: Verb) -> Result<(), &'static str> {
        if self.table.is_none() != matches!(verb, Verb::From(_)) {
            return Err("a chain begins with from('<table>'), and only there");
        }
        match verb {
            Verb::From(table) => self.table = Some(table),
            Verb::Select(columns) => {
                if self.select.replace(columns).is_some() {
                    return Err("select is called twice");
                }
                self.op.get_or_insert(TableOp::Select);
            }
            Verb::Write(op) => {
                if self.op.replace(op).is_some() {
                    return Err(
                        "one chain does one thing: select, insert, upsert, update or delete",
                    );
                }
            }
            // From here on a verb needs something that it applies to, as in supabase-js.
            _ if self.op.is_none() => {
                return Err("select, insert, upsert, update or delete must come before");
            }
            Verb::Eq(filter) => {
                if matches!(self.op, Some(TableOp::Insert(_) | TableOp::Upsert(..))) {
                    return Err("eq has no meaning for insert and upsert");
                }
                self.filters.push(filter);
            }
            Verb::Limit(most) => self.limit = Some(most),
            Verb::Order(order) => self.order.push(order),
            Verb::Single => self.rows = Some(Rows::One),
            Verb::MaybeSingle => self.rows = Some(Rows::OneOrNone),
        }
        Ok(())
    }

    fn finish(self) -> Result<Plan, &'static str> {
        let table = self.table.ok_or("a chain begins with from('<table>')")?;
        let op = self
            .op
            .ok_or("after from, select, insert, upsert, update or delete must say what to do")?;
        let reads = op == TableOp::Select;
        let returning = self.select.is_some();
        if !reads && !self.order.is_empty() {
            return Err("order is for select only: a write returns its rows in no order");
        }
        if !reads && !returning && self.limit.is_some() {
            return Err("limit does not limit what is written: narrow it with eq");
        }
        let limit = self.limit.map_or(MAX_ROWS, |n| n.min(MAX_ROWS));
        let query = TableQuery {
            table,
            op,
            columns: self.select.unwrap_or_default(),
            filters: self.filters,
            order: self.order,
            limit: reads.then_some(limit),
            returning,
        };
        let cut = if reads { None } else { self.limit };
        Ok(Plan { query, rows: self.rows.unwrap_or(Rows::Many), cut })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tasker_store::{Filter, Order};

    use super::*;

    fn of(links: Value) -> Result<Plan, ChainError> {
        plan(Some(&links))
    }

    #[test]
    fn a_read() {
        let plan = of(json!([
            {"property": "from", "args": ["t"]},
            {"type": "call", "property": "select", "args": [" id, name "]},
            {"property": "eq", "args": ["a", null]},
            {"property": "order", "args": ["b", {"ascending": false}]},
            {"property": "order", "args": ["c"]},
            {"property": "limit", "args": [5]},
            {"property": "maybeSingle"},
        ]));
        let query = TableQuery {
            table: "t".into(),
            op: TableOp::Select,
            columns: vec!["id".into(), "name".into()],
            filters: vec![Filter { column: "a".into(), value: Value::Null }],
            order: vec![
                Order { column: "b".into(), ascending: false },
                Order { column: "c".into(), ascending: true },
            ],
            limit: Some(5),
            returning: true,
        };
        assert_eq!(plan, Ok(Plan { query, rows: Rows::OneOrNone, cut: None }));
    }

    #[test]
    fn a_write_answers_rows_only_if_asked() {
        let insert = json!({"property": "insert", "args": [{"a": 1}]});
        let from = json!({"property": "from", "args": ["t"]});
        let plain = of(json!([from, insert])).unwrap();
        assert!(!plain.query.returning);
        let asked = of(json!([from, insert, {"property": "select"}])).unwrap();
        assert!(asked.query.returning && asked.query.columns.is_empty());
        assert_eq!(asked.query.op, TableOp::Insert(vec![json!({"a": 1})]));
    }

    #[test]
    fn reads_are_bounded() {
        let read = |n: u32| {
            of(json!([
                {"property": "from", "args": ["t"]}, {"property": "select"},
                {"property": "limit", "args": [n]},
            ]))
        };
        assert_eq!(read(5000).unwrap().query.limit, Some(MAX_ROWS));
        assert_eq!(read(0).unwrap().query.limit, Some(0));
    }
}
