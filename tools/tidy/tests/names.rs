//! Names that belong to some crates alone.

use crate::{Finding, tree::Source};

/// "The same" tells nothing to whoever reads an item by itself.
pub fn the_same(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines = source.text.lines().enumerate();
        for (line, text) in lines.filter(|(_, text)| text.trim_start().starts_with("/// The same"))
        {
            let what = text.trim().to_owned();
            findings.push(Finding { path: source.path.clone(), line: line + 1, what });
        }
    }
    findings
}

/// The JavaScript engine is the executor's.
pub fn script_engine(sources: &[Source]) -> Vec<Finding> {
    let others = sources.iter().filter(|s| !s.path.starts_with("services/deno-executor/"));
    others.flat_map(|source| names(source, &["deno_core"])).collect()
}

/// SQL is spoken by the store and what it is made of; tests look from outside.
pub fn sql_drivers(sources: &[Source]) -> Vec<Finding> {
    const KNOW: [&str; 5] =
        ["shared/sql/", "shared/tables/", "shared/secrets/", "shared/store", "shared/testkit/"];
    let knows = |path: &str| KNOW.iter().any(|k| path.starts_with(k)) || path.contains("/tests/");
    let others = sources.iter().filter(|source| !knows(&source.path));
    others.flat_map(|source| names(source, &["tokio_postgres", "rusqlite"])).collect()
}

/// What decides without I/O can be tested by every input.
pub fn io_in_pure_crates(sources: &[Source]) -> Vec<Finding> {
    const PURE: [&str; 3] = ["shared/core/src/", "shared/flow/src/", "shared/seal/src/"];
    const IO: [&str; 6] = ["reqwest", "tokio", "std::fs", "std::env", "std::net", "std::process"];
    let pure = sources.iter().filter(|s| PURE.iter().any(|p| s.path.starts_with(p)));
    pure.flat_map(|source| [names(source, &IO), grouped(source)].concat()).collect()
}

/// `use std::{env, fs}` names modules without `std::` before each.
fn grouped(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (place, open) in source.code.match_indices("std::{") {
        let group = source.code[place + open.len()..].split(';').next().unwrap_or_default();
        let words = group.split(|c: char| !c.is_alphanumeric() && c != '_');
        for word in words.filter(|word| ["fs", "env", "net", "process"].contains(word)) {
            findings.push(finding(source, place, &format!("std::{word}")));
        }
    }
    findings
}

/// Where whole names stand in the code.
fn names(source: &Source, names: &[&str]) -> Vec<Finding> {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut findings = Vec::new();
    for name in names {
        for (place, _) in source.code.match_indices(name) {
            let before = source.code[..place].chars().next_back();
            let after = source.code[place + name.len()..].chars().next();
            if !word(before) && !word(after) {
                findings.push(finding(source, place, name));
            }
        }
    }
    findings
}

fn finding(source: &Source, place: usize, name: &str) -> Finding {
    let what = format!("{name} does not belong here");
    Finding { path: source.path.clone(), line: source.line(place), what }
}
