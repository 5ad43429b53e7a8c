//! Words that the glossary retired do not come back.

use std::{collections::BTreeMap, fs};

use crate::{Finding, tree, tree::Source};

/// What begins an item that has a name.
const ITEMS: [&str; 8] =
    ["fn ", "struct ", "enum ", "trait ", "type ", "const ", "static ", "mod "];

/// Names of items and public fields that hold a retired word. Tests may say what they like.
pub fn names(sources: &[Source]) -> Vec<Finding> {
    let glossary = fs::read_to_string(tree::root().join("docs/glossary.md")).unwrap();
    let retired = table(&glossary);
    assert!(!retired.is_empty(), "docs/glossary.md has no table of retired words");
    let ours = sources.iter().filter(|source| !source.path.contains("/tests/"));
    ours.flat_map(|source| names_in(source, &retired)).collect()
}

/// Each retired word and what is said now.
fn table(glossary: &str) -> BTreeMap<&str, &str> {
    let section = glossary.split_once("\n## Retired\n").map_or("", |(_, rest)| rest);
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    // Behind the table's head and the line below it.
    rows.filter_map(|row| row.split_once(" | ")).skip(1).collect()
}

fn names_in(source: &Source, retired: &BTreeMap<&str, &str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (place, name) in declared(&source.code) {
        let words = words(name);
        let word = |word: &String| retired.get_key_value(word.trim_end_matches('s'));
        if let Some((word, now)) = words.iter().find_map(word) {
            let what = format!("{name}: the glossary retired '{word}' for '{now}'");
            findings.push(Finding { path: source.path.clone(), line: source.line(place), what });
        }
    }
    findings
}

/// Names of items and of public fields, and where.
fn declared(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for keyword in ITEMS.into_iter().chain(["pub ", "pub(crate) ", "pub(super) "]) {
        for (place, _) in code.match_indices(keyword) {
            let before = code[..place].chars().next_back().unwrap_or(' ');
            let rest = &code[place + keyword.len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            // Behind `pub` a name is a field's if a colon follows.
            let named = ITEMS.contains(&keyword) || rest[end..].starts_with(": ");
            if named && end > 0 && !before.is_alphanumeric() && before != '_' {
                found.push((place, &rest[..end]));
            }
        }
    }
    found
}

/// `HandedBack` and `handed_back` are both `handed` and `back`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if c == '_' || (c.is_uppercase() && small) {
            words.push(String::new());
        }
        small = c.is_lowercase();
        if let Some(last) = words.last_mut().filter(|_| c != '_') {
            last.extend(c.to_lowercase());
        }
    }
    words
}

#[test]
fn a_retired_word_is_seen() {
    let glossary = "# G\n\n| a | b |\n|---|---|\n| x | y |\n\n## Retired\n\n| not | but |\n|---|---|\n| hop | step |\n";
    let retired = table(glossary);
    assert_eq!(retired, BTreeMap::from([("hop", "step")]));
    let text =
        "pub struct LastHop { pub hops: u8, hop: u8 }\nfn hopper(hop: u8) {}\nconst HOP: u8 = 1;";
    let source = Source { path: String::new(), text: text.into(), code: text.into() };
    let lines: Vec<usize> = names_in(&source, &retired).iter().map(|f| f.line).collect();
    assert_eq!(lines, [1, 3, 1], "{:?}", declared(text));
}
