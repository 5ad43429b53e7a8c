//! What SQLite says otherwise: types, comparisons, and JSON made from columns.
//!
//! SQLite keeps JSON, booleans and times as text and numbers; a column's declared type says which
//! they are. The functions called `tasker_...` are ours (`functions`).

use serde_json::Value as JsonValue;
use tasker_core::{Json, json, time};

use super::{
    super::{
        ast::{Compare, Field, Operand, Quantifier, Test, Words},
        error::QueryError,
    },
    Sql,
    filter::document,
};
use tasker_sql::Value;

/// How a value becomes JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A number or text.
    Plain,
    /// A document.
    Json,
    /// True or false.
    Bool,
    /// Milliseconds since the epoch.
    Time,
}

impl Form {
    /// The form of a declared type.
    pub fn of(declared: &str) -> Self {
        let declared = declared.to_ascii_lowercase();
        let words = [("json", Self::Json), ("bool", Self::Bool), ("time", Self::Time)];
        words.into_iter().find(|(w, _)| declared.contains(w)).map_or(Self::Plain, |(_, f)| f)
    }

    /// Its name in statements.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Json => "json",
            Self::Bool => "bool",
            Self::Time => "time",
        }
    }

    /// The form of that name.
    pub fn named(word: &str) -> Self {
        let all = [Self::Json, Self::Bool, Self::Time];
        all.into_iter().find(|f| f.word() == word).unwrap_or(Self::Plain)
    }

    /// A value of task code as it is stored.
    pub fn stored(self, value: &Json) -> Value {
        let parsed = crate::lenient::parse(value.get()).unwrap_or_default();
        match (self, parsed) {
            (_, JsonValue::Null) => Value::Null,
            (Self::Json, _) => Value::Text(value.get().to_owned()),
            (Self::Time, JsonValue::String(text)) => moment(&text),
            (_, JsonValue::Bool(b)) => Value::Bool(b),
            (_, JsonValue::String(text)) => Value::Text(text),
            (_, JsonValue::Number(n)) => match (n.as_i64(), n.as_f64()) {
                (Some(i), _) => Value::Int(i),
                (None, Some(f)) => Value::Real(f),
                _ => Value::Text(n.to_string()),
            },
            (_, _) => Value::Text(value.get().to_owned()),
        }
    }

    /// What a value is compared with, from a literal.
    fn literal(self, text: &str) -> JsonValue {
        match (self, text) {
            (Self::Bool, "true" | "t") => 1.into(),
            (Self::Bool, "false" | "f") => 0.into(),
            (Self::Time, text) => match moment(text) {
                Value::Int(ms) => ms.into(),
                _ => text.into(),
            },
            (_, text) => text.into(),
        }
    }

    /// A stored value as JSON text.
    pub fn shown(self, value: Value) -> String {
        match (self, value) {
            (Self::Json, Value::Text(s)) => {
                json::parse(s.clone()).map_or_else(|_| quoted(&s), |doc| doc.get().to_owned())
            }
            (Self::Bool, Value::Int(n)) => (n != 0).to_string(),
            (Self::Time, Value::Int(ms)) => quoted(&time::iso(ms)),
            (_, Value::Null) => "null".to_owned(),
            (_, Value::Int(n)) => n.to_string(),
            (_, Value::Real(n)) => JsonValue::from(n).to_string(),
            (_, Value::Bool(b)) => b.to_string(),
            (_, Value::Text(s)) => quoted(&s),
            // No row that is read holds one.
            (_, Value::Secret(..) | Value::Hidden(_) | Value::List(_)) => "null".to_owned(),
        }
    }
}

/// Text as a JSON string.
pub fn quoted(text: &str) -> String {
    JsonValue::from(text).to_string()
}

fn moment(text: &str) -> Value {
    let time = text.parse::<jiff::Timestamp>();
    time.map_or_else(|_| Value::Text(text.to_owned()), |t| Value::Int(t.as_millisecond()))
}

/// A cast to one of the types that SQLite has.
pub fn cast(text: &str, to: &str) -> Result<String, QueryError> {
    let name = to.trim().to_ascii_lowercase();
    let is = |names: &[&str]| names.contains(&name.as_str());
    let kind = if is(&["text", "varchar", "char", "character varying", "citext", "uuid", "name"]) {
        "text"
    } else if is(&["int", "int2", "int4", "int8", "integer", "bigint", "smallint"]) {
        "integer"
    } else if is(&["real", "float", "float4", "float8", "double precision", "numeric", "decimal"]) {
        "real"
    } else if is(&["json", "jsonb", "bool", "boolean"]) {
        return Ok(text.to_owned());
    } else {
        let short: String = to.chars().take(60).collect();
        return Err(QueryError::unsupported(&format!("A cast to '{short}'")));
    };
    Ok(format!("cast({text} as {kind})"))
}

impl Sql<'_> {
    /// A test in SQLite's words.
    pub(super) fn lite_test(
        &mut self,
        left: &str,
        kind: &str,
        field: &Field,
        test: &Test,
    ) -> Result<String, QueryError> {
        let form = Form::of(kind);
        Ok(match test {
            Test::Compare(compare, None, operand) => {
                let right = match (compare, operand) {
                    (Compare::Contains | Compare::Contained | Compare::Overlaps, operand) => {
                        self.bind(as_document(operand))
                    }
                    (_, Operand::Text(text)) => self.bind_json(form.literal(text)),
                    (_, Operand::List(all)) => self.bind(document(all)),
                };
                lite_compare(*compare, left, &right)?
            }
            Test::Compare(compare, Some(quantifier), operand) => {
                let all = elements(operand).into_iter().map(|v| match v {
                    JsonValue::String(text) => form.literal(&text),
                    other => other,
                });
                let all = self.bind(JsonValue::Array(all.collect()).to_string());
                let one = lite_compare(*compare, left, "v.value")?;
                let held = match quantifier {
                    Quantifier::Any => {
                        format!("exists (select 1 from json_each({all}) v where {one})")
                    }
                    Quantifier::All => {
                        format!("not exists (select 1 from json_each({all}) v where not {one})")
                    }
                };
                format!("case when {left} is null then null else {held} end")
            }
            Test::In(all) => {
                let all = all.iter().map(|text| form.literal(text)).collect();
                let all = self.bind(JsonValue::Array(all).to_string());
                format!("{left} in (select value from json_each({all}))")
            }
            Test::Is(words) => format!("{left} {}", lite_is(*words)),
            Test::Distinct(text) => {
                let right = self.bind_json(form.literal(text));
                format!("{left} is not {right}")
            }
            Test::Search { .. } => {
                let what = format!("Full text search on column '{}'", field.column);
                return Err(QueryError::unsupported(&what));
            }
        })
    }

    fn bind_json(&mut self, value: JsonValue) -> String {
        match value {
            JsonValue::Number(n) => self.bind(n.as_i64().unwrap_or_default()),
            JsonValue::String(text) => self.bind(text),
            other => self.bind(other.to_string()),
        }
    }
}

fn lite_compare(compare: Compare, left: &str, right: &str) -> Result<String, QueryError> {
    let operator = match compare {
        Compare::Eq => "=",
        Compare::Neq => "<>",
        Compare::Gt => ">",
        Compare::Gte => ">=",
        Compare::Lt => "<",
        Compare::Lte => "<=",
        Compare::Like => return Ok(format!("tasker_like({left}, {right}, 0)")),
        Compare::Ilike => return Ok(format!("tasker_like({left}, {right}, 1)")),
        Compare::Match => return Ok(format!("tasker_regex({left}, {right}, 0)")),
        Compare::Imatch => return Ok(format!("tasker_regex({left}, {right}, 1)")),
        Compare::Contains => return Ok(format!("tasker_contains({left}, {right})")),
        Compare::Contained => return Ok(format!("tasker_contains({right}, {left})")),
        Compare::Overlaps => return Ok(format!("tasker_overlaps({left}, {right})")),
        range => {
            let name = match range {
                Compare::StrictlyLeft => "sl (rangeLt)",
                Compare::StrictlyRight => "sr (rangeGt)",
                Compare::NotExtendsRight => "nxr (rangeLte)",
                Compare::NotExtendsLeft => "nxl (rangeGte)",
                _ => "adj (rangeAdjacent)",
            };
            return Err(QueryError::unsupported(&format!("The range operator {name}")));
        }
    };
    Ok(format!("{left} {operator} {right}"))
}

fn lite_is(words: Words) -> &'static str {
    match words {
        Words::Null | Words::Unknown => "is null",
        Words::NotNull => "is not null",
        Words::True => "is true",
        Words::False => "is false",
    }
}

/// An operand as a JSON document: it is one, or is written as Postgres writes arrays.
fn as_document(operand: &Operand) -> String {
    match operand {
        Operand::List(all) => document(all),
        Operand::Text(text) if json::parse(text.clone()).is_ok() => text.clone(),
        Operand::Text(_) => JsonValue::Array(elements(operand)).to_string(),
    }
}

/// Elements of a list, or of `{a,"b,c"}`.
fn elements(operand: &Operand) -> Vec<JsonValue> {
    let text = match operand {
        Operand::List(all) => {
            return all.iter().filter_map(|v| serde_json::from_str(v.get()).ok()).collect();
        }
        Operand::Text(text) => text.trim(),
    };
    let inside = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
    let (mut all, mut now, mut quotes, mut was_quoted) = (Vec::new(), String::new(), false, false);
    let mut chars = inside.chars();
    let push = |text: &mut String, quoted: &mut bool, all: &mut Vec<JsonValue>| {
        let text = std::mem::take(text);
        let plain = serde_json::from_str(&text).ok().filter(|v: &JsonValue| !v.is_string());
        let value = if std::mem::take(quoted) { None } else { plain };
        all.push(value.unwrap_or(JsonValue::String(text)));
    };
    while let Some(c) = chars.next() {
        match c {
            '\\' => now.extend(chars.next()),
            '"' => {
                quotes = !quotes;
                was_quoted = true;
            }
            ',' if !quotes => push(&mut now, &mut was_quoted, &mut all),
            other => now.push(other),
        }
    }
    if !inside.is_empty() {
        push(&mut now, &mut was_quoted, &mut all);
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn array_literals_are_read() {
        let of = |text: &str| JsonValue::Array(elements(&Operand::Text(text.into())));
        assert_eq!(of(r#"{a,"b,c",1,"2",true}"#), json!(["a", "b,c", 1, "2", true]));
        assert_eq!(of("{}"), json!([]));
        assert_eq!(of(r#"{"x\"y"}"#), json!([r#"x"y"#]));
    }
}
