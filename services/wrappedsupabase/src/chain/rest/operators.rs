//! Filters in PostgREST's words.

use serde_json::Value;
use tasker_core::Json;

use super::super::{Args, ChainError, js, names::Rest};

/// A text search as PostgREST writes it: `plfts(english).cats`.
pub fn text_search(args: Args<'_>) -> Result<String, ChainError> {
    let query = args.text(1, "the query")?;
    let options = args.options(2, &["config", "type"])?;
    let kind = match options.word("type", &["plain", "phrase", "websearch"])? {
        Some("plain") => "pl",
        Some("phrase") => "ph",
        Some(_) => "w",
        None => "",
    };
    let config = options.text("config")?.map_or(String::new(), |c| format!("({c})"));
    Ok(format!("{kind}fts{config}.{query}"))
}

/// PostgREST's word for a method that takes a column and a value.
pub fn compared(method: Rest) -> &'static str {
    match method {
        Rest::Eq => "eq",
        Rest::Neq => "neq",
        Rest::Gt => "gt",
        Rest::Gte => "gte",
        Rest::Lt => "lt",
        Rest::Lte => "lte",
        Rest::Like => "like",
        Rest::Ilike => "ilike",
        Rest::RegexMatch => "match",
        Rest::RegexIMatch => "imatch",
        Rest::Is => "is",
        Rest::IsDistinct => "isdistinct",
        Rest::RangeGt => "sr",
        Rest::RangeGte => "nxl",
        Rest::RangeLt => "sl",
        Rest::RangeLte => "nxr",
        _ => "adj",
    }
}

/// Values of a list as supabase-js writes them, each once.
pub fn listed(all: Vec<Json>) -> (String, Vec<Json>) {
    let mut seen: Vec<Value> = Vec::new();
    let mut kept = Vec::new();
    for json in all {
        let value = js::part(&json);
        if !seen.contains(&value) {
            seen.push(value);
            kept.push(json);
        }
    }
    let one = |v: &Value| match v {
        Value::String(text) if text.contains([',', '(', ')']) => format!("\"{text}\""),
        other => js::text(other),
    };
    (seen.iter().map(one).collect::<Vec<_>>().join(","), kept)
}
