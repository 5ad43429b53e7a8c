//! Functions that SQLite lacks, for requests of task code: JSON made from columns without changing
//! a byte of it, and comparisons as Postgres means them.

use regex::{Regex, RegexBuilder};
use rusqlite::{
    Connection, Error, Result,
    functions::{Context, FunctionFlags},
    types::{Value as Cell, ValueRef},
};
use serde_json::Value as JsonValue;
use tasker_core::{Json, json};
use tasker_sql::sqlite::value;

use super::render::{Form, quoted};

type Pairs = Vec<(String, Json)>;
type Compiled = std::result::Result<Regex, Box<dyn std::error::Error + Send + Sync>>;

/// Adds them all.
pub fn add(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("tasker_json", 2, flags, |c| {
        let form: String = c.get(1)?;
        Ok(Form::named(&form).shown(value(c.get_raw(0))))
    })?;
    connection.create_scalar_function("tasker_pair", 3, flags, |c| {
        let (name, form): (String, String) = (c.get(0)?, c.get(2)?);
        Ok(format!("{}:{}", quoted(&name), Form::named(&form).shown(value(c.get_raw(1)))))
    })?;
    connection.create_scalar_function("tasker_path", 3, flags, path)?;
    connection.create_scalar_function("tasker_strip", 1, flags, |c| {
        let text: String = c.get(0)?;
        Ok(strip(&text).unwrap_or(text))
    })?;
    connection.create_scalar_function("tasker_like", 3, flags, |c| matches(c, like))?;
    connection.create_scalar_function("tasker_regex", 3, flags, |c| matches(c, str::to_owned))?;
    connection.create_scalar_function("tasker_contains", 2, flags, |c| documents(c, contains))?;
    connection.create_scalar_function("tasker_overlaps", 2, flags, |c| documents(c, overlaps))
}

/// `->` and `->>`: document, steps as a JSON array, whether text is wanted.
fn path(c: &Context<'_>) -> Result<Option<String>> {
    let (Some(text), path_steps, as_text): (Option<String>, String, bool) =
        (c.get(0)?, c.get(1)?, c.get(2)?)
    else {
        return Ok(None);
    };
    let path_steps: Vec<JsonValue> = serde_json::from_str(&path_steps).unwrap_or_default();
    let Ok(mut at) = json::parse(text) else { return Ok(None) };
    for path_step in &path_steps {
        let Some(next) = step(&at, path_step) else { return Ok(None) };
        at = next;
    }
    Ok(match (as_text, at.get()) {
        (true, "null") => None,
        (true, text) => Some(serde_json::from_str::<String>(text).unwrap_or_else(|_| text.into())),
        (false, text) => Some(text.to_owned()),
    })
}

fn step(at: &Json, path_step: &JsonValue) -> Option<Json> {
    if let Some(key) = path_step.as_str() {
        let fields = serde_json::from_str::<std::collections::HashMap<String, Json>>(at.get());
        return fields.ok()?.remove(key);
    }
    let mut elements = serde_json::from_str::<Vec<Json>>(at.get()).ok()?;
    let index = path_step.as_i64()?;
    let index = if index < 0 { index + elements.len() as i64 } else { index };
    let index = usize::try_from(index).ok().filter(|i| *i < elements.len())?;
    Some(elements.swap_remove(index))
}

/// A document without the fields that are null.
fn strip(text: &str) -> Option<String> {
    match text.trim_start().as_bytes().first() {
        Some(b'{') => {
            let fields: Pairs = super::answer::fields(text).ok()?;
            let kept = fields.iter().filter(|(_, v)| v.get() != "null");
            let shown = kept.map(|(name, v)| {
                let inside = strip(v.get()).unwrap_or_else(|| v.get().to_owned());
                format!("{}:{inside}", quoted(name))
            });
            Some(format!("{{{}}}", shown.collect::<Vec<_>>().join(",")))
        }
        Some(b'[') => {
            let all: Vec<Json> = serde_json::from_str(text).ok()?;
            let shown = all.iter().map(|v| strip(v.get()).unwrap_or_else(|| v.get().to_owned()));
            Some(format!("[{}]", shown.collect::<Vec<_>>().join(",")))
        }
        _ => None,
    }
}

/// Text, pattern, whether large and small letters are the same.
fn matches(c: &Context<'_>, expression: fn(&str) -> String) -> Result<Option<bool>> {
    if matches!(c.get_raw(0), ValueRef::Null) || matches!(c.get_raw(1), ValueRef::Null) {
        return Ok(None);
    }
    let insensitive: bool = c.get(2)?;
    // Kept for the next row: a pattern is the same for all of a statement.
    let regex = c.get_or_create_aux(1, |pattern: ValueRef<'_>| -> Compiled {
        let pattern = expression(pattern.as_str()?);
        let mut regex = RegexBuilder::new(&pattern);
        Ok(regex.case_insensitive(insensitive).size_limit(1 << 20).build()?)
    })?;
    let text = match c.get::<Cell>(0)? {
        Cell::Text(text) => text,
        Cell::Integer(n) => n.to_string(),
        Cell::Real(n) => n.to_string(),
        _ => return Ok(Some(false)),
    };
    Ok(Some(Regex::is_match(&regex, &text)))
}

/// A `like` pattern as a regular expression.
fn like(pattern: &str) -> String {
    let mut out = String::from("(?s)^");
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '\\' => out.push_str(&regex::escape(&chars.next().unwrap_or('\\').to_string())),
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push('$');
    out
}

fn documents(c: &Context<'_>, test: fn(&JsonValue, &JsonValue) -> bool) -> Result<Option<bool>> {
    let (Some(left), Some(right)) = (document(c, 0)?, document(c, 1)?) else { return Ok(None) };
    Ok(Some(test(&left, &right)))
}

fn document(c: &Context<'_>, i: usize) -> Result<Option<JsonValue>> {
    Ok(match c.get::<Cell>(i)? {
        Cell::Null => None,
        Cell::Text(text) => {
            let read = crate::lenient::parse(&text);
            Some(read.map_err(|e| Error::UserFunctionError(Box::new(e)))?)
        }
        Cell::Integer(n) => Some(n.into()),
        Cell::Real(n) => Some(n.into()),
        Cell::Blob(_) => Some(JsonValue::Null),
    })
}

/// Postgres's `@>` on documents.
fn contains(whole: &JsonValue, part: &JsonValue) -> bool {
    match (whole, part) {
        (JsonValue::Object(whole), JsonValue::Object(part)) => {
            part.iter().all(|(k, p)| whole.get(k).is_some_and(|w| contains(w, p)))
        }
        (JsonValue::Array(whole), JsonValue::Array(part)) => {
            part.iter().all(|p| whole.iter().any(|w| contains(w, p)))
        }
        (JsonValue::Array(whole), part) => whole.iter().any(|w| same(w, part)),
        (whole, part) => same(whole, part),
    }
}

/// Postgres's `&&` on arrays.
fn overlaps(left: &JsonValue, right: &JsonValue) -> bool {
    match (left, right) {
        (JsonValue::Array(left), JsonValue::Array(right)) => {
            left.iter().any(|l| right.iter().any(|r| same(l, r)))
        }
        _ => false,
    }
}

/// Equal, 1 and 1.0 being the same.
fn same(left: &JsonValue, right: &JsonValue) -> bool {
    left == right || left.as_f64().is_some_and(|l| right.as_f64() == Some(l))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_are_sqls() {
        let fits = |pattern: &str, text: &str| Regex::new(&like(pattern)).unwrap().is_match(text);
        assert!(fits("a%", "abc") && fits("a_c", "abc") && fits(r"50\%", "50%"));
        assert!(!fits("a", "abc") && !fits("a_", "abc") && !fits(r"50\%", "500"));
        assert!(fits("a.c", "a.c") && !fits("a.c", "abc") && fits("%", "x\ny"));
    }

    #[test]
    fn documents_contain_others() {
        assert!(contains(&json!({"a": [1, {"b": 2}], "c": 3}), &json!({"a": [{"b": 2}]})));
        assert!(contains(&json!([1, 2, 3]), &json!([3, 1])) && contains(&json!([1]), &json!(1.0)));
        assert!(
            !contains(&json!([1]), &json!([1, 2])) && !contains(&json!({}), &json!({"a": null}))
        );
        assert!(overlaps(&json!([1, 2]), &json!([2, 9])) && !overlaps(&json!([1]), &json!([2])));
    }

    #[test]
    fn nulls_are_stripped_and_nothing_else_changes() {
        let text = r#"{"a":null,"b":[1.50,{"c":null,"d":"\u0041"}],"e":""}"#;
        assert_eq!(strip(text).unwrap(), r#"{"b":[1.50,{"d":"\u0041"}],"e":""}"#);
    }
}
