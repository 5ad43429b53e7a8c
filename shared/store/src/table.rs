//! A query of task code on one table, as SQL. Values are always bound; identifiers are checked
//! and quoted.

use serde_json::Value as JsonValue;

use crate::{
    Dialect, Result, Value,
    columns::Columns,
    ident::{ident, invalid},
};

/// What to do with the table.
#[derive(Clone, Debug, PartialEq)]
pub enum TableOp {
    /// Read.
    Select,
    /// Add rows (JSON objects).
    Insert(Vec<JsonValue>),
    /// Add rows, or change those with the same key columns.
    Upsert(Vec<JsonValue>, Vec<String>),
    /// Change the rows that match.
    Update(JsonValue),
    /// Remove the rows that match.
    Delete,
}

/// `column = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Column.
    pub column: String,
    /// Value.
    pub value: JsonValue,
}

/// One key of the order.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Column.
    pub column: String,
    /// Smallest first.
    pub ascending: bool,
}

/// A query on one table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableQuery {
    /// Table.
    pub table: String,
    /// What to do.
    pub op: TableOp,
    /// Columns to answer; empty for all.
    pub columns: Vec<String>,
    /// Conditions, all of which must hold.
    pub filters: Vec<Filter>,
    /// Order of the answer.
    pub order: Vec<Order>,
    /// At most so many rows.
    pub limit: Option<u32>,
    /// Whether the rows that were written are answered; a select's always are.
    pub returning: bool,
}

/// Secrets are reached through wrappedkeystore alone, and the databases' own tables not at all.
fn is_refused(table: &str) -> bool {
    // SQLite does not tell large letters from small ones.
    let name = table.to_ascii_lowercase();
    name == "keystore" || ["pg_", "sqlite_", "pragma_"].iter().any(|own| name.starts_with(own))
}

struct Sql<'a> {
    dialect: Dialect,
    columns: &'a Columns,
    params: Vec<Value>,
}

impl TableQuery {
    /// Refuses tables that task code may not reach.
    pub(crate) fn check(&self) -> Result<()> {
        ident(&self.table)?;
        if is_refused(&self.table) {
            return Err(invalid("42501", format!("permission denied for table {}", self.table)));
        }
        Ok(())
    }

    /// The statement and its parameters. On Postgres each row is answered as JSON text.
    pub(crate) fn render(
        &self,
        dialect: Dialect,
        columns: &Columns,
    ) -> Result<(String, Vec<Value>)> {
        self.check()?;
        let mut sql = Sql { dialect, columns, params: Vec::new() };
        let table = ident(&self.table)?;
        let columns = self.columns()?;
        let statement = match &self.op {
            TableOp::Select => {
                let filter = sql.filter(&self.filters)?;
                let limit = self.limit.map_or(String::new(), |n| format!(" limit {n}"));
                format!("select {columns} from {table}{filter}{}{limit}", self.order()?)
            }
            TableOp::Insert(rows) => sql.insert(&table, rows)?,
            TableOp::Upsert(rows, keys) => {
                let insert = sql.insert(&table, rows)?;
                format!("{insert}{}", conflict(rows, keys)?)
            }
            TableOp::Update(patch) => {
                let set = sql.set(&table, patch)?;
                format!("update {table} set {set}{}", sql.filter(&self.filters)?)
            }
            TableOp::Delete => format!("delete from {table}{}", sql.filter(&self.filters)?),
        };
        let text = match (&self.op, self.returning, dialect) {
            (TableOp::Select, _, Dialect::Postgres) => {
                format!("select row_to_json(answer)::text from ({statement}) answer")
            }
            (TableOp::Select, ..) | (_, false, _) => statement,
            (_, true, Dialect::Sqlite) => format!("{statement} returning {columns}"),
            (_, true, Dialect::Postgres) => format!(
                "with answer as ({statement} returning {columns}) \
                 select row_to_json(answer)::text from answer"
            ),
        };
        Ok((text, sql.params))
    }

    /// Whether rows are answered: a select's always are.
    pub(crate) fn answers(&self) -> bool {
        self.returning || self.op == TableOp::Select
    }

    fn columns(&self) -> Result<String> {
        if self.columns.is_empty() {
            return Ok("*".into());
        }
        Ok(self.columns.iter().map(|c| ident(c)).collect::<Result<Vec<_>>>()?.join(", "))
    }

    fn order(&self) -> Result<String> {
        if self.order.is_empty() {
            return Ok(String::new());
        }
        let key = |o: &Order| {
            ident(&o.column).map(|c| format!("{c} {}", if o.ascending { "asc" } else { "desc" }))
        };
        Ok(format!(
            " order by {}",
            self.order.iter().map(key).collect::<Result<Vec<_>>>()?.join(", ")
        ))
    }
}

impl Sql<'_> {
    fn bind(&mut self, value: Value) -> String {
        self.params.push(value);
        let mark = if self.dialect == Dialect::Postgres { '$' } else { '?' };
        format!("{mark}{}", self.params.len())
    }

    fn bind_to(&mut self, column: &str, value: &JsonValue) -> String {
        self.bind(self.columns.stored(column, value))
    }

    fn filter(&mut self, filters: &[Filter]) -> Result<String> {
        let mut parts = Vec::new();
        for f in filters {
            let column = ident(&f.column)?;
            parts.push(match &f.value {
                JsonValue::Null => format!("{column} is null"),
                value => format!("{column} = {}", self.bind_to(&f.column, value)),
            });
        }
        Ok(if parts.is_empty() { String::new() } else { format!(" where {}", parts.join(" and ")) })
    }

    fn insert(&mut self, table: &str, rows: &[JsonValue]) -> Result<String> {
        let names = columns_of(rows)?;
        let list = names.iter().map(|n| ident(n)).collect::<Result<Vec<_>>>()?.join(", ");
        if self.dialect == Dialect::Postgres {
            // Postgres gives each value its column's type.
            let all = self.bind(JsonValue::Array(rows.to_vec()).to_string().into());
            return Ok(format!(
                "insert into {table} ({list}) select {list} \
                 from json_populate_recordset(null::{table}, {all}::text::json) where true"
            ));
        }
        let tuple = |row: &JsonValue, sql: &mut Self| {
            let marks: Vec<String> = names
                .iter()
                .map(|n| sql.bind_to(n, row.get(n).unwrap_or(&JsonValue::Null)))
                .collect();
            format!("({})", marks.join(", "))
        };
        let tuples: Vec<String> = rows.iter().map(|row| tuple(row, self)).collect();
        Ok(format!("insert into {table} ({list}) values {}", tuples.join(", ")))
    }

    fn set(&mut self, table: &str, patch: &JsonValue) -> Result<String> {
        let names = columns_of(std::slice::from_ref(patch))?;
        let postgres = self.dialect == Dialect::Postgres;
        let record = if postgres { self.bind(patch.to_string().into()) } else { String::new() };
        let one = |name: &String| -> Result<String> {
            let column = ident(name)?;
            Ok(if postgres {
                format!(
                    "{column} = (select r.{column} from json_populate_record(null::{table}, {record}::text::json) r)"
                )
            } else {
                format!("{column} = {}", self.bind_to(name, &patch[name]))
            })
        };
        Ok(names.iter().map(one).collect::<Result<Vec<_>>>()?.join(", "))
    }
}

fn conflict(rows: &[JsonValue], keys: &[String]) -> Result<String> {
    let keys = if keys.is_empty() { &["id".to_owned()][..] } else { keys };
    let on = keys.iter().map(|k| ident(k)).collect::<Result<Vec<_>>>()?.join(", ");
    let changed: Vec<String> =
        columns_of(rows)?.into_iter().filter(|c| !keys.contains(c)).collect();
    if changed.is_empty() {
        return Ok(format!(" on conflict ({on}) do nothing"));
    }
    let set = |c: &String| ident(c).map(|c| format!("{c} = excluded.{c}"));
    let set = changed.iter().map(set).collect::<Result<Vec<_>>>()?.join(", ");
    Ok(format!(" on conflict ({on}) do update set {set}"))
}

/// Names of all columns the rows mention, in the order they first appear.
fn columns_of(rows: &[JsonValue]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        let object = row
            .as_object()
            .ok_or_else(|| invalid("22023", "each row must be a JSON object".to_owned()))?;
        names.extend(object.keys().filter(|k| !names.contains(k)).cloned().collect::<Vec<_>>());
    }
    if names.is_empty() {
        return Err(invalid("22023", "there is no column to write: the row is empty".to_owned()));
    }
    Ok(names)
}
