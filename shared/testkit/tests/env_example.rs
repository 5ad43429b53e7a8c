//! `.env.example` names every environment variable that a binary reads, and no other.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tasker_core::call::SERVICES;
use tasker_testkit::process::bin_dir;

type Names = BTreeSet<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The words of capitals that follow `before` in `text`.
fn after(text: &str, before: &str) -> Names {
    let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.split(before)
        .skip(1)
        .map(|rest| rest.split(|c| !upper(c)).next().unwrap().to_owned())
        .filter(|name| name.len() > 1)
        .collect()
}

fn sources(dir: &Path, into: &mut String) {
    for entry in fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, into);
        } else if entry.extension().is_some_and(|e| e == "rs") {
            into.push_str(&fs::read_to_string(entry).unwrap());
        }
    }
}

/// What the source of the shipped crates reads: hidden settings are in no help text.
fn in_source() -> Names {
    let mut text = String::new();
    for group in ["services", "shared", "tools"] {
        for entry in fs::read_dir(root().join(group)).unwrap().map(|e| e.unwrap().path()) {
            // Those two only drive tests.
            let for_tests = ["testkit", "workspace-emulator"].iter().any(|n| entry.ends_with(n));
            if entry.join("src").is_dir() && !for_tests {
                sources(&entry.join("src"), &mut text);
            }
        }
    }
    let mut found = Names::new();
    for before in ["env = \"", "env::var(\"", "env::var_os(\"", " env(\""] {
        found.extend(after(&text, before));
    }
    // Breaks a process on purpose: a test's switch and no setting.
    found.remove("TASKER_FAULT");
    found
}

fn in_help(program: &str, args: &[&str]) -> Names {
    let out = Command::new(bin_dir().unwrap().join(program)).args(args).arg("--help").output();
    after(&String::from_utf8(out.unwrap().stdout).unwrap(), "[env: ")
}

#[test]
fn it_names_what_the_binaries_read() {
    let example = names(&read(".env.example"));
    let mut wanted = in_source();
    for service in SERVICES {
        let named = in_help(service, &[]);
        assert!(named.contains("DATABASE_URL"), "{service} --help names no variable");
        wanted.extend(named);
    }
    wanted.extend(in_help("tasker", &["migrate"]));
    wanted.extend(in_help("tasker-dev", &[]));
    let missing: Vec<_> = wanted.difference(&example).collect();
    assert!(
        missing.is_empty(),
        ".env.example lacks {missing:?}: add them, with their usual values"
    );
}

#[test]
fn it_names_nothing_that_nobody_reads() {
    let compose = read("docker-compose.yml");
    let mut read_by_us = in_source();
    read_by_us.extend(after(&compose, "${"));
    read_by_us.extend(["COMPOSE_PROFILES", "RUST_LOG"].map(str::to_owned));
    let example = names(&read(".env.example"));
    let stale: Vec<_> = example.difference(&read_by_us).collect();
    assert!(stale.is_empty(), ".env.example names {stale:?}, which nothing reads");
}

#[test]
fn compose_hands_on_what_the_example_offers() {
    let example = read(".env.example");
    let (offered, _) = example.split_once("# --- Outside of containers").unwrap();
    let compose = read("docker-compose.yml");
    for name in names(offered) {
        let handed = [format!("{name}:"), format!("${{{name}")];
        let there = handed.iter().any(|h| compose.contains(h.as_str()));
        assert!(there || name == "COMPOSE_PROFILES", "docker-compose.yml does not hand on {name}");
    }
}

/// Names of `NAME=value` lines, be they commented out.
fn names(text: &str) -> Names {
    let line = |l: &str| Some(l.trim_start_matches('#').split_once('=')?.0.to_owned());
    let name = |n: &String| {
        !n.is_empty() && n.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    text.lines().filter_map(line).filter(name).collect()
}
