//! Expressions: values with places to look at in them.
//!
//! `"$.context.n"` is a place (`$.input`, `$.context`, `$.event`), `{"$add": [...]}` an operator,
//! `"$$..."` a text that starts with a dollar; everything else stands for itself.

use serde_json::Value;

use crate::model::Problem;

/// Operators and how many arguments they take at least and at most.
const OPERATORS: [(&str, usize, usize); 23] = [
    ("$eq", 2, 2),
    ("$ne", 2, 2),
    ("$lt", 2, 2),
    ("$lte", 2, 2),
    ("$gt", 2, 2),
    ("$gte", 2, 2),
    ("$in", 2, 2),
    ("$and", 1, usize::MAX),
    ("$or", 1, usize::MAX),
    ("$not", 1, 1),
    ("$add", 2, usize::MAX),
    ("$sub", 2, 2),
    ("$mul", 2, usize::MAX),
    ("$div", 2, 2),
    ("$mod", 2, 2),
    ("$concat", 1, usize::MAX),
    ("$length", 1, 1),
    ("$default", 2, usize::MAX),
    ("$if", 3, 3),
    ("$get", 2, 2),
    ("$append", 2, 2),
    ("$merge", 1, usize::MAX),
    ("$json", 1, 1),
];

/// Adds what is wrong with an expression to `problems`.
pub fn check(value: &Value, place: &str, problems: &mut Vec<Problem>) {
    let mut wrong = |message: String| problems.push(Problem { place: place.to_owned(), message });
    match value {
        Value::String(text) if text.starts_with('$') && !text.starts_with("$$") => {
            if let Err(message) = path(text) {
                wrong(message);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                check(item, &format!("{place}[{i}]"), problems);
            }
        }
        Value::Object(object) => {
            if let Some(name) = object.keys().find(|k| k.starts_with('$')) {
                if object.len() > 1 {
                    wrong(format!("{name} is an operator and must stand alone in its object"));
                    return;
                }
                operator(name, &object[name], place, problems);
                return;
            }
            for (key, item) in object {
                check(item, &format!("{place}.{key}"), problems);
            }
        }
        _ => {}
    }
}

fn operator(name: &str, given: &Value, place: &str, problems: &mut Vec<Problem>) {
    let place = format!("{place}.{name}");
    let Some((_, least, most)) = OPERATORS.iter().find(|(known, ..)| *known == name) else {
        let known: Vec<_> = OPERATORS.iter().map(|(known, ..)| *known).collect();
        let message = format!("there is no operator {name}; there are {}", known.join(", "));
        problems.push(Problem { place, message });
        return;
    };
    // One argument may stand without its list.
    let count = given.as_array().map_or(1, Vec::len);
    if count < *least || count > *most {
        let wants = if least == most { least.to_string() } else { format!("at least {least}") };
        let message = format!("{name} takes {wants} arguments as a list, and has {count}");
        problems.push(Problem { place: place.clone(), message });
    }
    check(given, &place, problems);
}

/// `$.context.a.b[0]`
fn path(text: &str) -> Result<(), String> {
    let usage = || {
        format!(
            "'{text}' must be $.input, $.context or $.event and names after it, such as $.context.items[0].id; a text that starts with a dollar is written $$..."
        )
    };
    let rest = text.strip_prefix("$.").ok_or_else(usage)?;
    let root: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
    if !["input", "context", "event"].contains(&root.as_str()) {
        return Err(usage());
    }
    let mut rest = &rest[root.len()..];
    while !rest.is_empty() {
        rest = if let Some(after) = rest.strip_prefix('[') {
            let end = after.find(']').ok_or_else(usage)?;
            after[..end].parse::<u32>().map_err(|_| usage())?;
            &after[end + 1..]
        } else {
            let after = rest.strip_prefix('.').ok_or_else(usage)?;
            let end = after.find(['.', '[']).unwrap_or(after.len());
            if end == 0 {
                return Err(usage());
            }
            &after[end..]
        };
    }
    Ok(())
}

/// A guard as people read it.
pub fn show(value: &Value) -> String {
    match value {
        Value::String(text) => {
            text.trim_start_matches("$.").trim_start_matches("context.").to_owned()
        }
        Value::Array(items) => items.iter().map(show).collect::<Vec<_>>().join(", "),
        Value::Object(object) if object.len() == 1 => {
            let (name, given) = object.iter().next().unwrap_or_else(|| unreachable!("one entry"));
            let list = given.as_array().cloned().unwrap_or_else(|| vec![given.clone()]);
            let parts: Vec<_> = list.iter().map(show).collect();
            match name.as_str() {
                "$eq" => parts.join(" = "),
                "$ne" => parts.join(" \u{2260} "),
                "$lt" => parts.join(" < "),
                "$lte" => parts.join(" \u{2264} "),
                "$gt" => parts.join(" > "),
                "$gte" => parts.join(" \u{2265} "),
                "$and" => parts.join(" and "),
                "$or" => parts.join(" or "),
                "$not" => format!("not {}", parts.join(", ")),
                "$add" => parts.join(" + "),
                "$sub" => parts.join(" - "),
                "$in" => parts.join(" in "),
                other => format!("{}({})", other.trim_start_matches('$'), parts.join(", ")),
            }
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        check(value, "here", &mut found);
        found.into_iter().map(|p| format!("{}: {}", p.place, p.message)).collect()
    }

    #[test]
    fn good_ones() {
        for good in [
            json!("$.context.a.b[0].c"),
            json!("$.input"),
            json!("$$5"),
            json!({"$add": ["$.context.n", 1]}),
            json!({"a": {"$not": "$.event.output.ok"}, "b": [1, "text"]}),
        ] {
            assert!(problems(&good).is_empty(), "{good}: {:?}", problems(&good));
        }
    }

    #[test]
    fn bad_ones_are_named() {
        let is = |value: Value, part: &str| {
            let found = problems(&value).join("\n");
            assert!(found.contains(part), "{value}: {found}");
        };
        is(json!("$.contxt.a"), "here: '$.contxt.a' must be $.input");
        is(json!("$.context..a"), "must be");
        is(json!({"x": [{"$plus": [1, 2]}]}), "here.x[0].$plus: there is no operator $plus");
        is(json!({"$eq": [1]}), "$eq takes 2 arguments");
        is(json!({"$eq": [1, 2], "b": 1}), "must stand alone");
    }

    #[test]
    fn shown() {
        assert_eq!(show(&json!({"$lt": ["$.context.n", 3]})), "n < 3");
        assert_eq!(show(&json!({"$not": "$.event.output.ok"})), "not event.output.ok");
    }
}
