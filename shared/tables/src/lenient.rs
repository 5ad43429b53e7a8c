//! Reads JSON that is well-formed but holds what Rust's strings and numbers cannot: halves of
//! surrogate pairs (they become U+FFFD) and numbers beyond an f64 (they become null, as
//! JavaScript's own `JSON.stringify` writes infinity).

use serde_json::Value;

/// Parses `text`; what cannot be represented is replaced.
pub fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&repair(text)))
}

fn repair(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let token = match c {
            '"' => string(rest),
            '-' | '0'..='9' => number(rest),
            _ => c.len_utf8(),
        };
        let (now, later) = rest.split_at(token);
        match c {
            '"' => push_string(&mut out, now),
            '-' | '0'..='9' if serde_json::from_str::<Value>(now).is_err() => out.push_str("null"),
            _ => out.push_str(now),
        }
        rest = later;
    }
    out
}

/// Length of the string literal at the start.
fn string(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut i = 1;
    while i < bytes.len() && bytes[i] != b'"' {
        i += if bytes[i] == b'\\' { 2 } else { 1 };
    }
    (i + 1).min(bytes.len())
}

fn number(text: &str) -> usize {
    let part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
    text.find(|c| !part(c)).unwrap_or(text.len())
}

fn push_string(out: &mut String, literal: &str) {
    let mut rest = literal;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                out.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            (Some(_), _) => 6,
            (None, _) => 2,
        };
        let (escape, later) = rest.split_at(length.min(rest.len()));
        out.push_str(escape);
        rest = later;
    }
    out.push_str(rest);
}

/// The code unit of the `\uXXXX` at the start.
fn unit(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn replaces_only_what_cannot_be_kept() {
        let text =
            r#"{"a":"x\ud800","b":"\ud83d\ude00\\ud800","c":[1e999,-1E+400,0.5],"d\udc00":"é"}"#;
        let expected =
            json!({"a":"x\u{fffd}","b":"\u{1F600}\\ud800","c":[null,null,0.5],"d\u{fffd}":"é"});
        assert_eq!(parse(text).unwrap(), expected);
        assert_eq!(parse(r#"{"a":"\u0000"}"#).unwrap(), json!({"a":"\u{0}"}));
        assert!(parse("{").is_err() && parse("\"\\").is_err() && parse("\"\\ud8").is_err());
    }
}
