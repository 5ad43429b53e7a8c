//! What SQLite does not say by itself: which columns hold JSON, booleans and times. Postgres
//! converts these on its own.

use std::collections::HashMap;

use serde_json::Value as JsonValue;
use tasker_core::{json, time};

use crate::{Result, Value, value::Row};

/// Columns of a table that are not plain numbers and text. Empty on Postgres.
#[derive(Clone, Debug, Default)]
pub struct Columns(HashMap<String, Kind>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Json,
    Bool,
    Time,
}

impl Columns {
    /// Reads rows of name and declared type.
    pub fn read(rows: Vec<Row>) -> Result<Self> {
        let mut all = HashMap::new();
        for mut row in rows {
            let (name, declared) = (row.text()?, row.text()?.to_ascii_lowercase());
            let words = [("json", Kind::Json), ("bool", Kind::Bool), ("time", Kind::Time)];
            if let Some((_, kind)) = words.into_iter().find(|(word, _)| declared.contains(word)) {
                all.insert(name, kind);
            }
        }
        Ok(Self(all))
    }

    /// A value of task code as it is stored in `column`.
    pub fn stored(&self, column: &str, value: &JsonValue) -> Value {
        match (self.0.get(column), value) {
            (_, JsonValue::Null) => Value::Null,
            (Some(Kind::Json), value) => Value::Text(value.to_string()),
            (Some(Kind::Time), JsonValue::String(s)) => {
                let time = s.parse::<jiff::Timestamp>();
                time.map_or_else(|_| Value::Text(s.clone()), |t| Value::Int(t.as_millisecond()))
            }
            (_, value) => scalar(value),
        }
    }

    /// A stored value as JSON text.
    pub fn shown(&self, column: &str, value: Value) -> String {
        match (self.0.get(column), value) {
            (Some(Kind::Json), Value::Text(s)) => {
                json::parse(s.clone()).map_or_else(|_| quoted(&s), |doc| doc.get().to_owned())
            }
            (Some(Kind::Bool), Value::Int(n)) => (n != 0).to_string(),
            (Some(Kind::Time), Value::Int(ms)) => quoted(&time::iso(ms)),
            (_, Value::Null) => "null".to_owned(),
            (_, Value::Int(n)) => n.to_string(),
            (_, Value::Real(n)) => JsonValue::from(n).to_string(),
            (_, Value::Bool(b)) => b.to_string(),
            (_, Value::Text(s)) => quoted(&s),
            // No row that is read holds one.
            (_, Value::Secret(..) | Value::Hidden(_)) => "null".to_owned(),
        }
    }
}

/// Text as a JSON string.
pub fn quoted(text: &str) -> String {
    JsonValue::from(text).to_string()
}

/// A value of task code for a column of no particular kind.
pub fn scalar(value: &JsonValue) -> Value {
    match value {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(b) => Value::Bool(*b),
        JsonValue::String(s) => Value::Text(s.clone()),
        JsonValue::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(i), _) => Value::Int(i),
            (None, Some(f)) => Value::Real(f),
            _ => Value::Text(n.to_string()),
        },
        other => Value::Text(other.to_string()),
    }
}
