//! One link of a chain.

use serde_json::{Map, Value};
use tasker_store::{Filter, Order, TableOp};

use super::ChainError;

/// What a link may say. Everything else is refused.
#[derive(Debug)]
pub enum Verb {
    From(String),
    /// Columns; none for all.
    Select(Vec<String>),
    Write(TableOp),
    Eq(Filter),
    Limit(u32),
    Order(Order),
    Single,
    MaybeSingle,
}

/// The methods, as chains name them.
pub const NAMES: [&str; 11] = [
    "from",
    "select",
    "insert",
    "upsert",
    "update",
    "delete",
    "eq",
    "order",
    "limit",
    "single",
    "maybeSingle",
];

/// Reads a link. `at` is its place, for errors.
pub fn read(at: &str, link: &Value) -> Result<Verb, ChainError> {
    let wrong = |what: &str| ChainError::Format(format!("{at}{what}"));
    let link = link
        .as_object()
        .ok_or_else(|| wrong(" must be an object {\"property\": \"<method>\", \"args\": [...]}"))?;
    let name = link
        .get("property")
        .and_then(Value::as_str)
        .ok_or_else(|| wrong(".property must be a string, a method's name"))?;
    let args = match link.get("args") {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(args)) => args,
        Some(_) => return Err(wrong(".args must be an array")),
    };
    let args = Args { at, name, args };
    Ok(match name {
        "from" => Verb::From(args.text(0, "the table's name")?),
        "select" => Verb::Select(args.columns()?),
        "insert" => Verb::Write(TableOp::Insert(args.rows()?)),
        "upsert" => Verb::Write(TableOp::Upsert(args.rows()?, args.on_conflict()?)),
        "update" => Verb::Write(TableOp::Update(args.patch()?)),
        "delete" => {
            args.options(0, &[])?;
            Verb::Write(TableOp::Delete)
        }
        "eq" => Verb::Eq(args.eq()?),
        "order" => Verb::Order(args.order()?),
        "limit" => Verb::Limit(args.limit()?),
        "single" => Verb::Single,
        "maybeSingle" => Verb::MaybeSingle,
        other => {
            let name = other.chars().take(60).collect();
            return Err(ChainError::Method { at: at.to_owned(), name });
        }
    })
}

struct Args<'a> {
    at: &'a str,
    name: &'a str,
    args: &'a [Value],
}

impl Args<'_> {
    fn wrong(&self, what: &str) -> ChainError {
        ChainError::Format(format!("{} ({}): {what}", self.at, self.name))
    }

    fn text(&self, i: usize, what: &str) -> Result<String, ChainError> {
        match self.args.get(i).and_then(Value::as_str) {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(self.wrong(&format!("args[{i}] must be a string: {what}"))),
        }
    }

    /// An options object that holds nothing but `known`. What is unset says nothing.
    fn options(&self, i: usize, known: &[&str]) -> Result<Map<String, Value>, ChainError> {
        let set = match self.args.get(i) {
            None | Some(Value::Null) => return Ok(Map::new()),
            Some(Value::Object(set)) => set.clone(),
            Some(_) => return Err(self.wrong(&format!("args[{i}] must be an object of options"))),
        };
        // `false` is the default of all of them but this one.
        let default = |name: &str, value: &Value| {
            value.is_null() || *value == Value::Bool(name == "defaultToNull")
        };
        match set.iter().find(|(n, v)| !known.contains(&n.as_str()) && !default(n, v)) {
            Some((name, _)) => Err(self.wrong(&format!("option '{name}' is not supported"))),
            None => Ok(set),
        }
    }

    fn columns(&self) -> Result<Vec<String>, ChainError> {
        self.options(1, &[])?;
        let list = match self.args.first() {
            None | Some(Value::Null) => "*",
            Some(Value::String(list)) => list,
            Some(_) => return Err(self.wrong("args[0] must be a string: columns, comma separated")),
        };
        let names: Vec<&str> = list.split(',').map(str::trim).filter(|n| !n.is_empty()).collect();
        let plain =
            |n: &&str| *n == "*" || n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if let Some(name) = names.iter().find(|n| !plain(n)) {
            let name: String = name.chars().take(60).collect();
            return Err(self.wrong(&format!(
                "'{name}' is not supported; columns are plain names or *, without aliases, casts, \
                 JSON paths or embedded tables"
            )));
        }
        if names.contains(&"*") {
            return Ok(Vec::new());
        }
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn rows(&self) -> Result<Vec<Value>, ChainError> {
        if self.name == "insert" {
            self.options(1, &[])?;
        }
        let rows = match self.args.first() {
            Some(row @ Value::Object(_)) => vec![row.clone()],
            Some(Value::Array(rows)) => rows.clone(),
            _ => return Err(self.wrong("args[0] must be a row (an object) or an array of rows")),
        };
        match rows.iter().position(|r| !r.is_object()) {
            Some(i) => Err(self.wrong(&format!("args[0][{i}] must be a row (an object)"))),
            None => Ok(rows),
        }
    }

    fn on_conflict(&self) -> Result<Vec<String>, ChainError> {
        match self.options(1, &["onConflict"])?.get("onConflict") {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(list)) => {
                Ok(list.split(',').map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).collect())
            }
            Some(_) => Err(self.wrong("onConflict must be a string: columns, comma separated")),
        }
    }

    fn patch(&self) -> Result<Value, ChainError> {
        self.options(1, &[])?;
        match self.args.first() {
            Some(patch @ Value::Object(_)) => Ok(patch.clone()),
            _ => Err(self.wrong("args[0] must be an object: the columns to change")),
        }
    }

    fn eq(&self) -> Result<Filter, ChainError> {
        let column = self.text(0, "the column's name")?;
        let value = self
            .args
            .get(1)
            .cloned()
            .ok_or_else(|| self.wrong("args[1] is missing: the value to compare with"))?;
        Ok(Filter { column, value })
    }

    fn order(&self) -> Result<Order, ChainError> {
        let column = self.text(0, "the column's name")?;
        let ascending = match self.options(1, &["ascending"])?.get("ascending") {
            None | Some(Value::Null) => true,
            Some(Value::Bool(ascending)) => *ascending,
            Some(_) => return Err(self.wrong("ascending must be true or false")),
        };
        Ok(Order { column, ascending })
    }

    fn limit(&self) -> Result<u32, ChainError> {
        self.options(1, &[])?;
        let most = self.args.first().and_then(Value::as_u64);
        most.map(|n| u32::try_from(n).unwrap_or(u32::MAX))
            .ok_or_else(|| self.wrong("args[0] must be a whole number, 0 or more"))
    }
}
