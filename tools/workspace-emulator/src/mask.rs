//! `fields`: partial answers, as in `messages(id,payload/headers),nextPageToken`.

use serde_json::{Map, Value};

const MAX_DEPTH: usize = 30;

/// A parsed mask: names with what to keep below each; nothing below means everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mask(Vec<(String, Mask)>);

impl Mask {
    /// Parses a mask.
    ///
    /// # Errors
    /// The part that makes no sense.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let mask = list(&mut rest, 0)?;
        if rest.is_empty() { Ok(mask) } else { Err(rest.to_owned()) }
    }

    /// Keeps what the mask names.
    pub fn apply(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.apply(item)).collect(),
            Value::Object(map) => Value::Object(self.filter(map)),
            other => other,
        }
    }

    fn filter(&self, map: Map<String, Value>) -> Map<String, Value> {
        let mut kept = Map::new();
        for (name, value) in map {
            let mut below = self.0.iter().filter(|(n, _)| *n == name || n == "*");
            let Some((_, first)) = below.next() else { continue };
            // "a/b,a/c" names a twice: keep the union.
            let union = below.fold(first.clone(), |union, (_, mask)| union.join(mask));
            kept.insert(name, union.apply(value));
        }
        kept
    }

    fn join(mut self, other: &Self) -> Self {
        if self.0.is_empty() || other.0.is_empty() {
            return Self::default();
        }
        self.0.extend(other.0.iter().cloned());
        self
    }
}

/// `item { "," item }`
fn list(rest: &mut &str, depth: usize) -> Result<Mask, String> {
    let mut items = vec![item(rest, depth)?];
    while let Some(after) = rest.strip_prefix(',') {
        *rest = after;
        items.push(item(rest, depth)?);
    }
    Ok(Mask(items))
}

/// `name [ "/" item | "(" list ")" ]`
fn item(rest: &mut &str, depth: usize) -> Result<(String, Mask), String> {
    if depth > MAX_DEPTH {
        return Err(rest.chars().take(40).collect());
    }
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '*' | '$' | '@');
    let text = rest.trim_start();
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    if end == 0 {
        return Err(text.to_owned());
    }
    let name = text[..end].to_owned();
    *rest = text[end..].trim_start();
    if let Some(after) = rest.strip_prefix('/') {
        *rest = after;
        return Ok((name, Mask(vec![item(rest, depth + 1)?])));
    }
    let Some(after) = rest.strip_prefix('(') else { return Ok((name, Mask::default())) };
    *rest = after;
    let below = list(rest, depth + 1)?;
    let after = rest.strip_prefix(')').ok_or_else(|| rest.to_string())?;
    *rest = after.trim_start();
    Ok((name, below))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn masked(mask: &str) -> Value {
        let message = json!({
            "id": "1", "snippet": "s",
            "payload": { "mimeType": "m", "headers": [{ "name": "A", "value": "1" }, { "name": "B" }] },
        });
        Mask::parse(mask).unwrap().apply(message)
    }

    #[test]
    fn keeps_what_is_named() {
        assert_eq!(masked("id"), json!({ "id": "1" }));
        assert_eq!(masked("payload/headers/name"), masked("payload(headers(name))"));
        let headers = json!([{ "name": "A" }, { "name": "B" }]);
        assert_eq!(masked("payload(headers/name)"), json!({ "payload": { "headers": headers } }));
        assert_eq!(
            masked("id, payload/mimeType"),
            json!({ "id": "1", "payload": { "mimeType": "m" } })
        );
        assert_eq!(masked("*/mimeType,id")["payload"], json!({ "mimeType": "m" }));
        assert_eq!(
            masked("payload/mimeType,payload"),
            json!({ "payload": masked("*")["payload"] })
        );
        assert_eq!(masked("nothing"), json!({}));
    }

    #[test]
    fn refuses_nonsense() {
        for bad in ["", "a,", "a(b", "a)b", "a(b))", "(a)", "a//b"] {
            assert!(Mask::parse(bad).is_err(), "{bad}");
        }
        assert!(Mask::parse(&"a/".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-c*/(), é]{0,40}") {
            let _ = Mask::parse(&text);
        }
    }
}
