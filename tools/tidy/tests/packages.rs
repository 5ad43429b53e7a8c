//! Every package is under the workspace's rules, and says what it is.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{Finding, tree};

/// What every manifest takes from the workspace.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];
/// Where the first words about a package stand.
const ROOTS: [&str; 3] = ["src/lib.rs", "src/main.rs", "tests/main.rs"];

/// Manifests that do not follow the workspace, or that say nothing of their own.
pub fn strays() -> Vec<Finding> {
    let root = tree::root();
    let mut findings = Vec::new();
    let mut described = BTreeMap::<String, String>::new();
    for path in tree::manifests() {
        let manifest = fs::read_to_string(root.join(&path)).unwrap();
        for what in missing(&manifest) {
            findings.push(Finding { path: path.clone(), line: 1, what });
        }
        let description = field(&manifest, "description").to_owned();
        if let Some(other) = described.insert(description, path.clone()) {
            let what = format!("is described as {other} is");
            findings.push(Finding { path: path.clone(), line: 1, what });
        }
        if !begins_with_words(root.join(&path).parent().unwrap()) {
            let what = "its root file does not begin with what the package is (`//!`)".to_owned();
            findings.push(Finding { path, line: 1, what });
        }
    }
    findings
}

/// What a package's manifest lacks.
fn missing(manifest: &str) -> Vec<String> {
    let package = section(manifest, "package");
    let lacks = |name: &&str| !package.contains(&format!("\n{name}.workspace = true\n"));
    let mut missing: Vec<String> =
        INHERITED.into_iter().filter(lacks).map(|n| format!("no `{n}.workspace = true`")).collect();
    if !section(manifest, "lints").contains("\nworkspace = true\n") {
        missing.push("no `[lints] workspace = true`".to_owned());
    }
    if field(manifest, "description").split_whitespace().count() < 3 {
        missing.push("no description of a few words".to_owned());
    }
    missing
}

/// A section's lines, from the one behind its heading, each after a line break.
fn section<'a>(manifest: &'a str, name: &str) -> &'a str {
    let heading = format!("[{name}]");
    let rest = manifest.split_once(&heading).map_or("", |(_, rest)| rest);
    rest.split("\n[").next().unwrap_or_default()
}

/// A text in the section `package`.
fn field<'a>(manifest: &'a str, name: &str) -> &'a str {
    let start = format!("\n{name} = \"");
    let rest = section(manifest, "package").split_once(&start).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default()
}

fn begins_with_words(folder: &Path) -> bool {
    let root = ROOTS.iter().find_map(|file| fs::read_to_string(folder.join(file)).ok());
    root.is_some_and(|text| text.starts_with("//! "))
}

#[test]
fn what_a_manifest_lacks_is_seen() {
    let whole = "[package]\nname = \"a\"\ndescription = \"An example of three\"\nversion.workspace = true\n\
        edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\
        publish.workspace = true\n\n[lints]\nworkspace = true\n";
    assert_eq!(missing(whole), Vec::<String>::new());
    for name in INHERITED {
        let line = format!("\n{name}.workspace = true\n");
        let without = whole.replace(&line, "\n");
        assert_eq!(missing(&without), [format!("no `{name}.workspace = true`")]);
    }
    let alone = whole.replace("[lints]\nworkspace", "[lints.rust]\nunused");
    assert_eq!(missing(&alone), ["no `[lints] workspace = true`"]);
    let mute = whole.replace("An example of three", "Example");
    assert_eq!(missing(&mute), ["no description of a few words"]);
}
