//! JSDoc types -> JSON Schema.

use serde_json::{Map, Value, json};

/// A type, and whether it is marked as optional (`{string=}`, `{string|undefined}`).
#[derive(Debug, PartialEq)]
pub struct Type {
    /// Its schema; `{}` for anything.
    pub schema: Value,
    /// May be left out.
    pub optional: bool,
}

/// How deep types may nest; deeper ones are taken as anything.
const DEEPEST: usize = 32;

/// Reads the text between the braces. What is not understood is anything.
pub fn parse(text: &str) -> Type {
    parse_at(text, 0)
}

fn parse_at(text: &str, depth: usize) -> Type {
    let mut text = text.trim();
    let mut optional = false;
    if let Some(rest) = text.strip_suffix('=') {
        (text, optional) = (rest.trim_end(), true);
    }
    if depth > DEEPEST {
        return Type { schema: json!({}), optional };
    }
    let parts: Vec<&str> =
        split(text, '|').into_iter().map(str::trim).filter(|p| !p.is_empty()).collect();
    let known = parts.iter().filter(|p| !matches!(**p, "undefined" | "void"));
    let schemas: Vec<Value> = known.map(|p| one(p, depth)).collect();
    optional |= parts.len() > schemas.len();
    Type { schema: union(schemas), optional }
}

/// One member of a union.
fn one(text: &str, depth: usize) -> Value {
    let inner = |t: &str| parse_at(t, depth + 1).schema;
    if let Some(rest) = text.strip_prefix('?') {
        return union(vec![inner(rest), json!({"type": "null"})]);
    }
    if let Some(rest) = text.strip_prefix('!') {
        return inner(rest);
    }
    if let Some(rest) = text.strip_prefix("...") {
        return array(inner(rest));
    }
    if let Some(rest) = text.strip_suffix("[]") {
        return array(inner(rest));
    }
    if let Some(rest) = enclosed(text, '(', ')') {
        return inner(rest);
    }
    if let Some(rest) = enclosed(text, '{', '}') {
        return record(rest, depth);
    }
    if let Some(value) = literal(text) {
        return json!({ "const": value });
    }
    match text.split_once('<') {
        Some((name, rest)) => {
            let arguments = split(rest.strip_suffix('>').unwrap_or(rest), ',');
            generic(name.trim().trim_end_matches('.'), &arguments, depth)
        }
        None => named(text),
    }
}

fn named(name: &str) -> Value {
    match name.to_ascii_lowercase().as_str() {
        "string" => json!({"type": "string"}),
        "number" | "float" | "double" => json!({"type": "number"}),
        "integer" | "int" | "bigint" => json!({"type": "integer"}),
        "boolean" | "bool" => json!({"type": "boolean"}),
        "object" => json!({"type": "object"}),
        "array" => json!({"type": "array"}),
        "null" => json!({"type": "null"}),
        "date" => json!({"type": "string", "format": "date-time"}),
        "url" => json!({"type": "string", "format": "uri"}),
        _ => json!({}),
    }
}

fn generic(name: &str, arguments: &[&str], depth: usize) -> Value {
    let inner =
        |i: usize| arguments.get(i).map_or_else(|| json!({}), |t| parse_at(t, depth + 1).schema);
    match name.to_ascii_lowercase().as_str() {
        "array" | "set" | "readonlyarray" | "iterable" => array(inner(0)),
        "promise" | "readonly" => inner(0),
        "partial" => {
            let mut schema = inner(0);
            if let Some(object) = schema.as_object_mut() {
                object.remove("required");
            }
            schema
        }
        "object" | "record" | "map" => {
            json!({"type": "object", "additionalProperties": inner(arguments.len().saturating_sub(1))})
        }
        _ => json!({}),
    }
}

/// `a: string, b?: number`.
fn record(text: &str, depth: usize) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let separator = if split(text, ';').len() > 1 { ';' } else { ',' };
    for field in split(text, separator) {
        let (name, kind) = split_once(field, ':').unwrap_or((field, "*"));
        let name = name.trim();
        let bare = name.trim_end_matches('?').trim_matches(['"', '\'']).to_owned();
        if bare.is_empty() {
            continue;
        }
        let kind = parse_at(kind, depth + 1);
        if !name.ends_with('?') && !kind.optional {
            required.push(Value::String(bare.clone()));
        }
        properties.insert(bare, kind.schema);
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn array(items: Value) -> Value {
    if items == json!({}) {
        json!({"type": "array"})
    } else {
        json!({"type": "array", "items": items})
    }
}

/// Literals become one `enum`, several types an `anyOf`; anything with something is anything.
fn union(mut schemas: Vec<Value>) -> Value {
    schemas.dedup();
    if schemas.len() == 1 {
        return schemas.remove(0);
    }
    if schemas.is_empty() || schemas.contains(&json!({})) {
        return json!({});
    }
    if schemas.iter().all(|s| s.get("const").is_some()) {
        return json!({"enum": schemas.iter().map(|s| s["const"].clone()).collect::<Vec<_>>()});
    }
    let plain = |s: &Value| s.as_object().is_some_and(|o| o.len() == 1) && s["type"].is_string();
    if schemas.iter().all(plain) {
        return json!({"type": schemas.iter().map(|s| s["type"].clone()).collect::<Vec<_>>()});
    }
    json!({ "anyOf": schemas })
}

fn literal(text: &str) -> Option<Value> {
    let quoted = |q: char| enclosed(text, q, q);
    if let Some(inside) = quoted('"').or_else(|| quoted('\'')).or_else(|| quoted('`')) {
        return Some(inside.into());
    }
    let value: Value = serde_json::from_str(text).ok()?;
    (value.is_number() || value.is_boolean()).then_some(value)
}

fn enclosed(text: &str, open: char, close: char) -> Option<&str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

/// Splits at `mark` outside of brackets and quotes.
pub fn split(text: &str, mark: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((part, after)) = split_once(rest, mark) {
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// Splits at the first `mark` outside of brackets and quotes.
pub fn split_once(text: &str, mark: char) -> Option<(&str, &str)> {
    let (mut depth, mut quote) = (0i32, None);
    for (i, c) in text.char_indices() {
        match c {
            _ if quote.is_some() => quote = quote.filter(|q| *q != c),
            '"' | '\'' | '`' => quote = Some(c),
            c if c == mark && depth == 0 => return Some((&text[..i], &text[i + c.len_utf8()..])),
            '(' | '{' | '[' | '<' => depth += 1,
            ')' | '}' | ']' | '>' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        let cases = [
            ("string", json!({"type": "string"})),
            ("Number", json!({"type": "number"})),
            ("integer", json!({"type": "integer"})),
            ("boolean", json!({"type": "boolean"})),
            ("Object", json!({"type": "object"})),
            ("array", json!({"type": "array"})),
            ("any", json!({})),
            ("*", json!({})),
            ("SomeClass", json!({})),
            ("string[]", json!({"type": "array", "items": {"type": "string"}})),
            ("Array<string>", json!({"type": "array", "items": {"type": "string"}})),
            ("Array.<number>", json!({"type": "array", "items": {"type": "number"}})),
            ("any[]", json!({"type": "array"})),
            (
                "string[][]",
                json!({"type": "array", "items": {"type": "array", "items": {"type": "string"}}}),
            ),
            (
                "(string|number)[]",
                json!({"type": "array", "items": {"type": ["string", "number"]}}),
            ),
            ("string|number", json!({"type": ["string", "number"]})),
            ("?string", json!({"type": ["string", "null"]})),
            ("'a'|'b'", json!({"enum": ["a", "b"]})),
            ("'a|b'|2", json!({"enum": ["a|b", 2]})),
            ("string|any", json!({})),
            (
                "Record<string, number>",
                json!({"type": "object", "additionalProperties": {"type": "number"}}),
            ),
            ("Promise<boolean>", json!({"type": "boolean"})),
            ("Date", json!({"type": "string", "format": "date-time"})),
            (
                "string|string[]",
                json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
            ),
            (
                "{a: string, b?: {c: number}}",
                json!({"type": "object", "required": ["a"], "properties": {
                    "a": {"type": "string"},
                    "b": {"type": "object", "properties": {"c": {"type": "number"}}, "required": ["c"]},
                }}),
            ),
            ("", json!({})),
        ];
        for (text, schema) in cases {
            assert_eq!(parse(text).schema, schema, "{text}");
        }
    }

    #[test]
    fn optional_marks() {
        for (text, optional) in [("string", false), ("string=", true), ("string|undefined", true)] {
            assert_eq!(parse(text), Type { schema: json!({"type": "string"}), optional }, "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        parse(&"(".repeat(10_000));
        parse(&format!("{}x{}", "Array<".repeat(10_000), ">".repeat(10_000)));
    }
}
