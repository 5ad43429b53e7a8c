//! What a person sees when all is well, word for word, from the real binary over real sockets.
//!
//! Wanted changes are written by `INSTA_UPDATE=always cargo test --release -p tasker-cli`.
#![expect(
    clippy::unwrap_used,
    reason = "a test may panic; the lint only knows of #[test] functions"
)]

mod services;
mod support;

use clap::{Command, CommandFactory as _};
use support::{serve, stderr, tasker};
use tasker_cli::Cli;

/// What is typed, and what stands on the screen then.
fn screen(functions_url: &str, args: &[&str]) -> String {
    let output = tasker(functions_url, args);
    let said = String::from_utf8(output.stdout.clone()).unwrap() + &stderr(&output);
    let code = output.status.code().unwrap();
    let exit = if code == 0 { String::new() } else { format!("(exit {code})\n") };
    format!("$ tasker {}\n{said}{exit}\n", args.join(" "))
}

/// The screens of several commands, against services that know one run of each kind.
fn screens(typed: &[&[&str]]) -> String {
    let url = serve(services::all());
    typed.iter().map(|args| screen(&url, args)).collect()
}

fn help_of(command: &Command, path: &[&str]) -> String {
    let mut text = screen("http://127.0.0.1:9", &[path, &["--help"]].concat());
    for below in command.get_subcommands() {
        text += &help_of(below, &[path, &[below.get_name()]].concat());
    }
    text
}

#[test]
fn help() {
    let seen = help_of(&Cli::command(), &[]);
    insta::assert_snapshot!(seen);
}

#[test]
fn runs() {
    let seen = screens(&[
        &["runs"],
        &["inspect", "7"],
        &["inspect", "8", "--limit", "2"],
        &["logs", "7"],
        &["list"],
    ]);
    insta::assert_snapshot!(seen);
}

#[test]
fn acting_on_runs() {
    let seen = screens(&[
        &["submit", "hello-task"],
        &["pause", "7"],
        &["resume", "7"],
        &["cancel", "7"],
        &["retry", "7"],
        &["attention"],
        &["resolve", "345", "--retry"],
        &["upgrade", "--task", "hello-task"],
        &["watch", "8"],
    ]);
    insta::assert_snapshot!(seen);
}

#[test]
fn secrets() {
    let seen = screens(&[
        &["keystore", "set", "TOKEN", "abc"],
        &["keystore", "has", "TOKEN"],
        &["keystore", "list"],
        &["keystore", "get", "TOKEN"],
        &["keystore", "delete", "TOKEN"],
        &["keystore", "rotate"],
    ]);
    insta::assert_snapshot!(seen);
}

#[test]
fn flows() {
    let order = concat!(env!("CARGO_MANIFEST_DIR"), "/../../taskcode/flows/order.json");
    let checked = screen("http://127.0.0.1:9", &["flow", "check", order]);
    let asked = screens(&[&["flow", "publish", order], &["flow", "get", "9"]]);
    let seen = (checked + &asked).replace(order, "order.json");
    insta::assert_snapshot!(seen);
}

#[test]
fn search() {
    let all = screens(&[&["gmail-search"]]);
    // How long it took is another time each time.
    let (seen, _) = all.split_once("Search completed in ").unwrap();
    insta::assert_snapshot!(seen);
}
