//! Rules of this repository that no compiler checks, a test each.
//!
//! What broke a rule before there was one stands in `allowed.txt`. An entry that no longer applies
//! fails the test as well, so the list can only shrink.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod allowed;
mod blank;
mod circles;
mod names;
mod packages;
mod retired;
mod services;
mod sizes;
mod tree;

/// One place where a rule is broken.
#[derive(Clone)]
struct Finding {
    /// From the root of the repository.
    path: String,
    /// Counted from 1.
    line: usize,
    what: String,
}

#[test]
fn files_have_at_most_300_lines() {
    allowed::check("long-file", sizes::long_files(tree::sources()));
}

#[test]
fn functions_have_at_most_60_lines() {
    allowed::check("long-function", sizes::long_functions(tree::sources()));
}

#[test]
fn no_rustdoc_begins_with_the_same() {
    allowed::check("the-same", names::the_same(tree::sources()));
}

#[test]
fn deno_core_is_named_in_the_executor_alone() {
    allowed::check("deno-core", names::script_engine(tree::sources()));
}

#[test]
fn database_drivers_are_named_in_the_crates_that_know_sql() {
    allowed::check("sql-driver", names::sql_drivers(tree::sources()));
}

#[test]
fn pure_crates_do_no_io() {
    allowed::check("pure", names::io_in_pure_crates(tree::sources()));
}

#[test]
fn no_service_depends_on_another() {
    allowed::check("service", services::dependencies());
}

#[test]
fn no_two_modules_use_each_other() {
    allowed::check("circle", circles::pairs(tree::sources()));
}

#[test]
fn every_package_follows_the_workspace() {
    allowed::check("package", packages::strays());
}

#[test]
fn retired_words_do_not_come_back() {
    allowed::check("retired", retired::names(tree::sources()));
}

#[test]
fn every_allowance_is_of_a_rule() {
    let rules = [
        "long-file",
        "long-function",
        "the-same",
        "deno-core",
        "sql-driver",
        "pure",
        "service",
        "circle",
        "package",
        "retired",
    ];
    for entry in allowed::list() {
        assert!(rules.contains(&entry.rule), "allowed.txt names no rule: {}", entry.rule);
    }
}
