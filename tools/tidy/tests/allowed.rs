//! `allowed.txt`: what broke a rule before there was one.

use std::collections::BTreeMap;

use crate::Finding;

/// A line `rule path count reason`.
pub struct Entry {
    pub rule: &'static str,
    path: &'static str,
    /// How often the rule is broken in that file, exactly.
    count: usize,
}

/// All entries, in their order.
pub fn list() -> Vec<Entry> {
    let lines = include_str!("../allowed.txt").lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(entry).collect()
}

fn entry(line: &'static str) -> Entry {
    let mut words = line.splitn(4, ' ');
    let mut word = || words.next().filter(|w| !w.trim().is_empty());
    let (Some(rule), Some(path), Some(count), Some(_reason)) = (word(), word(), word(), word())
    else {
        panic!("allowed.txt: not `rule path count reason`: {line}")
    };
    Entry { rule, path, count: count.parse().unwrap() }
}

/// Panics unless `findings` are those that are allowed for `rule`, no more and no fewer.
pub fn check(rule: &str, findings: Vec<Finding>) {
    let mut found = BTreeMap::<String, Vec<Finding>>::new();
    for finding in findings {
        found.entry(finding.path.clone()).or_default().push(finding);
    }
    let mut wrong = Vec::new();
    for entry in list().iter().filter(|entry| entry.rule == rule) {
        let now = found.get(entry.path).map_or(0, Vec::len);
        if now < entry.count {
            let Entry { path, count, .. } = entry;
            wrong.push(format!("{path}: allowed.txt allows {rule} {count} times, it is {now}"));
        }
        if now <= entry.count {
            found.remove(entry.path);
        }
    }
    for Finding { path, line, what } in found.into_values().flatten() {
        wrong.push(format!("{path}:{line}: {rule}: {what}"));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
