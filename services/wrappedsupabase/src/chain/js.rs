//! Values as JavaScript writes them into text.

use serde_json::Value;
use tasker_core::Json;

/// A value; what a value cannot hold (half a surrogate pair, a number beyond an f64) is replaced.
/// `None` if it is nested too deeply.
pub fn parse(json: &Json) -> Option<Value> {
    tasker_tables::lenient(json.get()).ok()
}

/// The value of a part of what was parsed, which is nested less deeply than the whole.
pub fn part(json: &Json) -> Value {
    parse(json).unwrap_or_default()
}

/// `${value}`. An object, which JavaScript would write as `[object Object]`, is its JSON.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::String(s) => s.clone(),
        Value::Number(n) => match n.as_f64() {
            Some(f) if n.is_f64() => float(f),
            _ => n.to_string(),
        },
        Value::Array(all) => joined(all),
        Value::Object(_) => value.to_string(),
    }
}

/// `array.join(',')`: nulls are nothing.
pub fn joined(all: &[Value]) -> String {
    let one = |v: &Value| if v.is_null() { String::new() } else { text(v) };
    all.iter().map(one).collect::<Vec<_>>().join(",")
}

fn float(f: f64) -> String {
    let size = f.abs();
    if f != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{f:e}");
        return match text.split_once('e') {
            Some((digits, power)) if !power.starts_with('-') => format!("{digits}e+{power}"),
            _ => text,
        };
    }
    if f == 0.0 { "0".to_owned() } else { format!("{f}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn as_javascript_does() {
        let cases = [
            (json!(1.0), "1"),
            (json!(-0.0), "0"),
            (json!(1.5e300), "1.5e+300"),
            (json!(1e-7), "1e-7"),
            (json!(123456789012345i64), "123456789012345"),
            (json!(0.1), "0.1"),
            (json!([1, null, "a", [2, 3]]), "1,,a,2,3"),
            (json!(null), "null"),
            (json!({"a": 1}), r#"{"a":1}"#),
        ];
        for (value, expected) in cases {
            assert_eq!(text(&value), expected, "{value}");
        }
    }
}
