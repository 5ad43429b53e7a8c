//! `@param` tags -> one schema.

use serde_json::{Map, Value, json};

use super::{
    block::{Tag, is_param},
    types::{self, Type, split_once},
};

/// One `@param {type} [path=default] - text`.
#[derive(Debug)]
struct Param {
    /// `input`, or `input`, `items[]`, `id`.
    path: Vec<String>,
    kind: Type,
    default: Option<Value>,
    text: String,
}

/// An object of anything.
pub fn anything() -> Value {
    json!({"type": "object", "properties": {}, "required": []})
}

/// Schema of the one argument a task gets. Several parameters without a common root are taken as
/// its properties: that is how a destructured argument is often described.
pub fn input(tags: &[Tag]) -> Value {
    let params: Vec<Param> =
        tags.iter().filter(|t| is_param(&t.name)).filter_map(|t| param(&t.body)).collect();
    let tops = params.iter().filter(|p| p.path.len() == 1).count();
    let Some(first) = params.first() else { return anything() };
    let root = &first.path[0];
    let has_children = params.iter().any(|p| p.path.len() > 1 && p.path[0] == *root);
    let holds = has_children || first.kind.schema["type"] == "object";
    if first.path.len() == 1 && tops > 1 && !holds {
        return destructured(&params);
    }
    let mut schema = anything();
    for p in params.iter().filter(|p| p.path[0] == *root) {
        if p.path.len() == 1 {
            schema = root_schema(p);
        } else {
            place(&mut schema, &p.path[1..], p);
        }
    }
    schema
}

/// Schema of the `@returns` tag.
pub fn returns(tags: &[Tag]) -> Option<Value> {
    let tag = tags.iter().find(|t| matches!(t.name.as_str(), "returns" | "return"))?;
    let (kind, text) = braced(&tag.body);
    let mut schema = kind.map_or_else(|| json!({}), |k| types::parse(k).schema);
    describe(&mut schema, text);
    Some(schema)
}

fn destructured(params: &[Param]) -> Value {
    let mut schema = anything();
    for p in params {
        place(&mut schema, &p.path, p);
    }
    schema
}

/// The root's own schema; an untyped one or a plain `Object` is an object of properties.
fn root_schema(p: &Param) -> Value {
    let mut schema = p.kind.schema.clone();
    if schema == json!({}) || schema["type"] == "object" {
        let mut object = anything();
        if let (Some(into), Value::Object(from)) = (object.as_object_mut(), schema) {
            into.extend(from);
        }
        schema = object;
    }
    finish(&mut schema, p);
    schema
}

/// Puts a parameter at its path below `schema`, making objects and arrays on the way.
fn place(schema: &mut Value, path: &[String], p: &Param) {
    let Some((name, deeper)) = path.split_first() else { return };
    let bare = name.trim_end_matches("[]");
    if bare.is_empty() {
        return;
    }
    let Some(object) = schema.as_object_mut() else { return };
    object.entry("type").or_insert_with(|| json!("object"));
    let properties = object.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    let Some(properties) = properties.as_object_mut() else { return };
    if !deeper.is_empty() {
        let child = properties.entry(bare).or_insert_with(|| json!({}));
        // A union or a list described by its first spelling takes properties no more.
        let child =
            if name.ends_with("[]") || child["type"] == "array" { items(child) } else { child };
        return place(child, deeper, p);
    }
    let mut own = p.kind.schema.clone();
    finish(&mut own, p);
    properties.insert(bare.to_owned(), own);
    if !p.kind.optional {
        let required = object.entry("required").or_insert_with(|| json!([]));
        if let Some(list) = required.as_array_mut() {
            list.push(bare.into());
        }
    }
}

fn items(array: &mut Value) -> &mut Value {
    if array.get("items").is_none() {
        *array = json!({"type": "array", "items": {}, "description": array.get("description")});
        if let Some(object) = array.as_object_mut() {
            object.retain(|_, v| !v.is_null());
        }
    }
    &mut array["items"]
}

fn finish(schema: &mut Value, p: &Param) {
    describe(schema, &p.text);
    if let Some(default) = &p.default {
        schema["default"] = default.clone();
    }
}

fn describe(schema: &mut Value, text: &str) {
    let text = text.trim().trim_start_matches('-').trim();
    if !text.is_empty() {
        schema["description"] = text.into();
    }
}

fn param(body: &str) -> Option<Param> {
    let (kind, rest) = braced(body);
    let mut kind = types::parse(kind.unwrap_or("*"));
    let (name, default, text) = match rest.strip_prefix('[') {
        Some(inside) => {
            let (inside, text) = split_once(inside, ']').unwrap_or((inside, ""));
            kind.optional = true;
            match inside.split_once('=') {
                Some((name, default)) => (name.trim(), Some(value(default.trim())), text),
                None => (inside.trim(), None, text),
            }
        }
        None => {
            let (name, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            (name, None, text)
        }
    };
    let path: Vec<String> = name.split('.').map(str::to_owned).collect();
    let named = path.iter().all(|p| !p.trim_end_matches("[]").is_empty());
    named.then(|| Param { path, kind, default, text: text.trim().to_owned() })
}

/// `{type} rest` -> the type and the rest. A brace without an end is no type.
fn braced(body: &str) -> (Option<&str>, &str) {
    let body = body.trim();
    let Some(inside) = body.strip_prefix('{') else { return (None, body) };
    match split_once(inside, '}') {
        Some((kind, rest)) => (Some(kind), rest.trim()),
        None => (None, ""),
    }
}

/// A default as JSON, if it is JSON or nearly; else as the text it is.
fn value(text: &str) -> Value {
    if let Ok(value) = serde_json::from_str(text) {
        return value;
    }
    let single = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
    if let Some(inside) = single {
        return inside.into();
    }
    serde_json::from_str(&text.replace('\'', "\"")).unwrap_or_else(|_| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(params: &[&str]) -> Value {
        let tag = |b: &&str| Tag { name: "param".into(), body: (*b).to_owned() };
        input(&params.iter().map(tag).collect::<Vec<_>>())
    }

    #[test]
    fn defaults_are_values() {
        let cases = [
            ("[input.a=1]", json!(1)),
            ("[input.a=\"x y\"]", json!("x y")),
            ("[input.a='x']", json!("x")),
            ("[input.a=me]", json!("me")),
            ("[input.a=true] - Yes.", json!(true)),
            ("[input.a=[]]", json!([])),
            ("[input.a=['x','y']]", json!(["x", "y"])),
            ("[input.a={\"b\": [1]}]", json!({"b": [1]})),
        ];
        for (text, default) in cases {
            let schema = of(&["{Object} input", &format!("{{any}} {text}")]);
            assert_eq!(schema["properties"]["a"]["default"], default, "{text}");
            assert_eq!(schema["required"], json!([]), "{text}");
        }
    }

    #[test]
    fn nested_parameters() {
        let schema = of(&[
            "{Object} input",
            "{Object} input.filter - Which.",
            "{string} input.filter.from",
            "{Object[]} [input.items]",
            "{number} input.items[].id - Its id.",
        ]);
        assert_eq!(
            schema,
            json!({
                "type": "object",
                "properties": {
                    "filter": {"type": "object", "description": "Which.",
                        "properties": {"from": {"type": "string"}}, "required": ["from"]},
                    "items": {"type": "array", "items": {"type": "object",
                        "properties": {"id": {"type": "number", "description": "Its id."}}, "required": ["id"]}},
                },
                "required": ["filter"],
            })
        );
    }

    #[test]
    fn roots() {
        assert_eq!(
            of(&["{string} name - Whom."]),
            json!({"type": "string", "description": "Whom."})
        );
        let both = of(&["{string} q", "{number=} n"]);
        assert_eq!(both["properties"]["n"], json!({"type": "number"}));
        assert_eq!(both["required"], json!(["q"]));
        let dotted = of(&["{string} input.a"]);
        assert_eq!(dotted["required"], json!(["a"]));
        let context = of(&["{Object} input", "{string} input.a", "{Object} context"]);
        assert_eq!(context["properties"], json!({"a": {"type": "string"}}));
    }
}
