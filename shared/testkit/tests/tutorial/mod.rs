//! What docs/tutorial.md and docs/google-workspace.md say, done: every command is run, every file
//! saved, every line looked for. What Google's part is, the Workspace emulator plays.

mod desk;
mod document;
mod google;
mod screen;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use desk::{Desk, Done};
use document::What;
use google::{Searcher, Workspace};
use tasker_testkit::process::free_port;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn docs(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).unwrap()
}

fn dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("desk-{name}"))
}

/// A desk at which tasker has a port of its own: the reader's is 54321.
fn desk(name: &str, env: &[(&str, &str)], instead: &[(&str, &str)]) -> Desk {
    let port = free_port().unwrap().to_string();
    let functions = format!("http://127.0.0.1:{port}/functions/v1");
    let mut all =
        vec![("PORT", &*port), ("TASKER_FUNCTIONS_URL", &functions), ("ENGINE", "quickjs")];
    all.extend(env);
    let mut instead = instead.to_vec();
    instead.push(("54321", &port));
    Desk::new(&dir(name), &all, &instead).unwrap().with_repository(&root()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorial() {
    let mut desk = desk("tutorial", &[], &[]);
    let began = std::time::Instant::now();
    let done =
        desk.follow(&docs("tutorial.md")).await.unwrap_or_else(|e| panic!("tutorial.md, {e:#}"));
    eprintln!("tutorial.md: {done:?} in {:.1} s", began.elapsed().as_secs_f64());
    let drawn = std::fs::read_to_string(desk.checkout().join("onboard.svg")).unwrap();
    assert_eq!(drawn, docs("tutorial-flow.svg"), "the picture in the document is another one");
}

/// What the guide has the administrator delegate.
fn scopes(guide: &str) -> String {
    let blocks = document::read(guide).unwrap();
    let scopes = blocks.iter().find(|block| block.what == What::Scopes);
    scopes.expect("the guide lists the scopes").text.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_google_guide() {
    let guide = docs("google-workspace.md");
    let google = Workspace::start(dir("google-emulator"), google::SEED, &scopes(&guide)).unwrap();
    let env = [("GAPI_ROOT_URL", &*google.url)];
    let mut desk = desk("google", &env, &[("admin@your.domain", &google.admin)]);
    std::fs::copy(&google.key, dir("google").join("key.json")).unwrap();
    desk.follow("```sh\ngit clone -q REPOSITORY tasker\n```\n").await.unwrap();
    let began = std::time::Instant::now();
    let done = desk.follow(&guide).await.unwrap_or_else(|e| panic!("google-workspace.md, {e:#}"));
    eprintln!("google-workspace.md: {done:?} in {:.1} s", began.elapsed().as_secs_f64());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_google_guide_knows_what_one_sees() {
    let guide = docs("google-workspace.md");
    let scopes = scopes(&guide);
    let mut google = Workspace::start(dir("google-wrong"), google::SEED, &scopes).unwrap();
    let code = include_str!("../../../../taskcode/endpoints/comprehensive-gmail-search.js");
    let stack = google::tasker(&google, code).await.unwrap();
    let rows = document::first_cells(&guide, "## When it does not work");
    let mut me = Searcher { stack: &stack, rows, seen: BTreeSet::new() };
    let done = google::everything_wrong(&mut google, &scopes, &mut me).await;
    done.unwrap_or_else(|e| panic!("{e:#}\n{}", stack.logs()));
    let rows: BTreeSet<String> = me.rows.iter().cloned().collect();
    assert_eq!(me.seen, rows, "each row was seen");
    // The positive twin: with everything in place none of it is seen.
    google.delegate(&scopes).unwrap();
    let found = me.search().await.unwrap();
    assert!(found.contains("Search completed") && !found.contains("Unreachable"), "{found}");
}

/// Follows a document that is not about tasker.
async fn follow(name: &str, text: &str) -> anyhow::Result<Done> {
    Desk::new(&dir(name), &[], &[])?.follow(text).await
}

#[tokio::test]
async fn a_document_that_is_wrong_is_noticed() {
    let text = "Words.\n```sh first\necho up in 12 ms; sleep 60\n```\n```text first\nup in 9.5 s\n```\n\
        ```js tasker/it.js\nlet a = 1;\n```\n```sh\nexport WORD=kept\nmkdir -p deep && cd deep\n```\n\
        ```sh\necho \"$WORD in $(basename $PWD)\"\necho 'two  words'\n```\n```text\nkept in d…\ntwo words\n```\n\
        ```sh fails\nfalse\n```\n";
    let done = follow("right", text).await.unwrap();
    assert_eq!(done, Done { commands: 6, files: 1, lines: 3 });
    let wrong = [
        ("another line", "two words", "two worlds", "does not show\n  two worlds"),
        (
            "another order",
            "kept in d…\ntwo words",
            "two words\nkept in d…",
            "does not show\n  kept in d…",
        ),
        ("a command that fails", "export WORD=kept", "export WORD=kept; false", "exit status: 1"),
        ("one that should", "fails\nfalse", "fails\ntrue", "exit status: 0"),
        ("a line that checks nothing", "kept in d…", "…", "lines that check nothing"),
        ("an unchecked block", "```text\n", "```console\n", "nothing checks such a block"),
        ("an open fence", "false\n```\n", "false\n", "the fence has no end"),
    ];
    for (what, from, to, says) in wrong {
        assert!(text.contains(from), "{what}");
        let error = follow("wrong", &text.replace(from, to)).await.map(|d| format!("{d:?}"));
        let error = error.map_err(|e| format!("{e:#}"));
        assert!(error.as_ref().is_err_and(|e| e.contains(says)), "{what}: {error:?}");
    }
}
