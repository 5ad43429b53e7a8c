//! Path templates: `{x}` takes one path segment, `{+x}` may take several.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex_lite::Regex;

use crate::document::Parameter;

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const SEGMENTS: &AsciiSet = &SEGMENT.remove(b'/');

/// Fills a template with values.
///
/// A value with `.` or `..` as a segment is refused even where its slashes would be encoded: URL
/// parsers, ours included, shorten such paths, and the call would reach another resource.
///
/// # Errors
/// A sentence naming the parameter and what is wrong with its value.
pub fn expand(
    template: &str,
    values: &BTreeMap<String, String>,
    parameters: &BTreeMap<String, Parameter>,
) -> Result<String, String> {
    let mut path = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((literal, tail)) = rest.split_once('{') {
        path.push_str(literal);
        let (name, tail) = tail.split_once('}').ok_or("the API's path template is broken")?;
        let (name, many) = name.strip_prefix('+').map_or((name, false), |n| (n, true));
        let value =
            values.get(name).ok_or_else(|| format!("missing required parameter \"{name}\""))?;
        check(name, value, many, parameters.get(name))?;
        path.extend(utf8_percent_encode(value, if many { SEGMENTS } else { SEGMENT }));
        rest = tail;
    }
    path.push_str(rest);
    Ok(path)
}

fn check(name: &str, value: &str, many: bool, parameter: Option<&Parameter>) -> Result<(), String> {
    if value.is_empty() {
        return Err(format!("parameter \"{name}\" must not be empty"));
    }
    if value.split(['/', '\\']).any(|segment| segment == "." || segment == "..") {
        return Err(format!("parameter \"{name}\" must not contain the segments \".\" or \"..\""));
    }
    if many && value.split('/').any(str::is_empty) {
        return Err(format!("parameter \"{name}\" must not contain empty path segments"));
    }
    let pattern = parameter.and_then(|p| p.pattern.as_deref()).filter(|_| many);
    match pattern.map(|pattern| (pattern, Regex::new(pattern))) {
        Some((pattern, Ok(regex))) if !regex.is_match(value) => {
            Err(format!("parameter \"{name}\" must match {pattern}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str, value: &str) -> Result<String, String> {
        expand(template, &BTreeMap::from([("x".to_owned(), value.to_owned())]), &BTreeMap::new())
    }

    #[test]
    fn a_segment_is_encoded_whole_and_a_reserved_one_keeps_its_slashes() {
        assert_eq!(fill("u/{x}/m", "a/b@d.e").unwrap(), "u/a%2Fb%40d.e/m");
        assert_eq!(fill("v1/{+x}:cancel", "a b/c:d?e#f").unwrap(), "v1/a%20b/c%3Ad%3Fe%23f:cancel");
        assert_eq!(fill("u/{x}", "%2e%2e").unwrap(), "u/%252e%252e");
        assert_eq!(fill("u/{x}", "é").unwrap(), "u/%C3%A9");
    }

    #[test]
    fn dots_empty_values_and_empty_segments_are_refused() {
        for value in ["..", ".", "a/../b", "../x", "a\\..\\b", ""] {
            assert!(fill("u/{x}", value).is_err(), "{value}");
            assert!(fill("u/{+x}", value).is_err(), "{value}");
        }
        assert!(fill("u/{+x}", "a//b").is_err());
        assert!(fill("u/{+x}", "/a").is_err());
        assert_eq!(fill("u/{x}", "a..b").unwrap(), "u/a..b");
    }

    #[test]
    fn a_pattern_binds_reserved_values_only() {
        let parameter: Parameter = serde_json::from_str(r#"{"pattern":"^spaces/[^/]+$"}"#).unwrap();
        let parameters = BTreeMap::from([("x".to_owned(), parameter)]);
        let expand = |template: &str, value: &str| {
            let values = BTreeMap::from([("x".to_owned(), value.to_owned())]);
            super::expand(template, &values, &parameters)
        };
        assert_eq!(expand("v1/{+x}", "spaces/A").unwrap(), "v1/spaces/A");
        assert!(expand("v1/{+x}", "spaces/A/B").unwrap_err().contains("must match"));
        assert!(expand("v1/{x}", "anything").is_ok());
        assert!(expand("v1/{y}", "z").unwrap_err().contains("missing required parameter \"y\""));
    }
}
