//! One argument value as the text that goes into a URL.

use serde_json::Value;

use crate::document::Parameter;

/// The texts to send for a value: one, or several when the parameter repeats.
///
/// Scalars are accepted for `string` parameters because JavaScript callers write `true` for
/// Directory's textual flags, and decimal text for numbers because that is how Google itself
/// spells 64-bit integers.
///
/// # Errors
/// A sentence naming the parameter and the type that it takes.
pub fn texts(name: &str, parameter: &Parameter, value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(items) if parameter.repeated => {
            items.iter().map(|item| text(name, parameter, item)).collect()
        }
        Value::Array(_) => Err(format!("parameter \"{name}\" takes one value, not a list")),
        single => Ok(vec![text(name, parameter, single)?]),
    }
}

fn text(name: &str, parameter: &Parameter, value: &Value) -> Result<String, String> {
    let found = match (parameter.kind.as_str(), value) {
        ("integer", Value::Number(n)) => whole(n),
        ("integer", Value::String(s)) => s.trim().parse::<i128>().ok().map(|n| n.to_string()),
        ("boolean", Value::Bool(b)) => Some(b.to_string()),
        ("boolean", Value::String(s)) => Some(s.clone()).filter(|s| s == "true" || s == "false"),
        ("number", Value::Number(n)) => Some(n.to_string()),
        ("number", Value::String(s)) => {
            s.parse::<f64>().ok().filter(|n| n.is_finite()).map(|_| s.clone())
        }
        ("integer" | "boolean" | "number", _) => None,
        (_, Value::String(s)) => Some(s.clone()),
        (_, Value::Number(n)) => Some(n.to_string()),
        (_, Value::Bool(b)) => Some(b.to_string()),
        _ => None,
    };
    let kind = if parameter.kind.is_empty() { "string" } else { &parameter.kind };
    let text = found.ok_or_else(|| {
        format!("parameter \"{name}\" must be of type {kind}, not {}", shown(value))
    })?;
    Ok(if kind == "integer" { clamp(&text, parameter) } else { text })
}

/// JavaScript has one number type, so `100.0` is the integer 100.
fn whole(number: &serde_json::Number) -> Option<String> {
    if let Some(n) = number.as_i64() {
        return Some(n.to_string());
    }
    if let Some(n) = number.as_u64() {
        return Some(n.to_string());
    }
    number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 1e15).map(|n| format!("{n:.0}"))
}

fn clamp(text: &str, parameter: &Parameter) -> String {
    let bound = |bound: &Option<String>| bound.as_deref().and_then(|b| b.parse::<i128>().ok());
    let Ok(mut number) = text.parse::<i128>() else { return text.to_owned() };
    if let Some(least) = bound(&parameter.minimum) {
        number = number.max(least);
    }
    if let Some(most) = bound(&parameter.maximum) {
        number = number.min(most);
    }
    number.to_string()
}

/// The type of a value in words. Never the value itself: it may be private.
fn shown(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(n) if n.is_f64() => "a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "this text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameter(spec: Value) -> Parameter {
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn integers_are_clamped_and_fractions_refused() {
        let p = parameter(json!({"type": "integer", "minimum": "1", "maximum": "500"}));
        let text = |value: Value| texts("maxResults", &p, &value);
        assert_eq!(text(json!(0)).unwrap(), ["1"]);
        assert_eq!(text(json!(9999)).unwrap(), ["500"]);
        assert_eq!(text(json!("98")).unwrap(), ["98"]);
        assert_eq!(text(json!(100.0)).unwrap(), ["100"]);
        for bad in [json!(1.5), json!("many"), json!(true), json!({}), json!([5])] {
            assert!(text(bad).unwrap_err().contains("\"maxResults\""));
        }
    }

    #[test]
    fn types_are_checked_and_scalars_become_text() {
        let boolean = parameter(json!({"type": "boolean"}));
        assert_eq!(texts("b", &boolean, &json!(true)).unwrap(), ["true"]);
        assert!(texts("b", &boolean, &json!(1)).is_err());
        let string = parameter(json!({"type": "string"}));
        assert_eq!(texts("s", &string, &json!(true)).unwrap(), ["true"]);
        assert_eq!(texts("s", &string, &json!(12)).unwrap(), ["12"]);
        assert!(texts("s", &string, &json!({"a": 1})).is_err());
        let number = parameter(json!({"type": "number"}));
        assert_eq!(texts("n", &number, &json!(0.5)).unwrap(), ["0.5"]);
    }

    #[test]
    fn repeated_parameters_keep_every_value() {
        let p = parameter(json!({"type": "string", "repeated": true}));
        assert_eq!(texts("l", &p, &json!(["a", "b,c"])).unwrap(), ["a", "b,c"]);
        assert_eq!(texts("l", &p, &json!("a")).unwrap(), ["a"]);
    }
}
