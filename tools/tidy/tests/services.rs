//! Services meet over HTTP only.

use std::fs;

use crate::{Finding, tree};

/// Dependencies of services on each other. What only their tests need is not asked.
pub fn dependencies() -> Vec<Finding> {
    let root = tree::root();
    let folders = fs::read_dir(root.join("services")).unwrap();
    let mut names: Vec<String> =
        folders.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut findings = Vec::new();
    for name in &names {
        let path = format!("services/{name}/Cargo.toml");
        let manifest = fs::read_to_string(root.join(&path)).unwrap();
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{path}: another name");
        for (line, other) in services_named(&manifest, &names) {
            let what = format!("{name} depends on {other}");
            findings.push(Finding { path: path.clone(), line, what });
        }
    }
    findings
}

/// Lines of `[dependencies]` and the service that each names.
fn services_named(manifest: &str, services: &[String]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut section = "";
    for (line, text) in manifest.lines().enumerate() {
        if text.starts_with('[') {
            section = text.trim_matches(['[', ']']);
        }
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
        let named = words.filter(|word| services.iter().any(|service| service == word));
        let counts = section == "dependencies" || section.starts_with("dependencies.");
        found.extend(named.filter(|_| counts).map(|word| (line + 1, word.to_owned())));
    }
    found
}

#[test]
fn a_dependency_is_seen() {
    let services = ["tasks".to_owned()];
    let manifest = "[package]\nname = \"tasks\"\n[dependencies]\ntasks.workspace = true\n\
        [dependencies.x]\npackage = \"tasks\"\n[dev-dependencies]\ntasks.workspace = true\n";
    let lines: Vec<usize> = services_named(manifest, &services).iter().map(|f| f.0).collect();
    assert_eq!(lines, [4, 6]);
}
