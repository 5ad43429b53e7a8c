//! `fetch` in task code does what Deno's does: the same script, the same servers, output by output.

use crate::fetch_web;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use fetch_web::Web;
use serde_json::Value;
use tasker_testkit::stack::{Shape, Stack};

const CHECKS: &str = include_str!("fetch_web/checks.js");
const DENO: &str = "deno@2.9.6";

/// Prints what the checks give.
const PRINT: &str = "
const given = globalThis.Deno ? Deno.args[0] : process.argv[2];
console.log(JSON.stringify(await all(JSON.parse(given))));
";

type Table = BTreeMap<String, Value>;

/// Where Deno departs from the standard: there Node's fetch decides.
const AS_NODE: [&str; 7] = [
    // A file name for a value that is no file.
    "own: FormData",
    "own: names and lengths",
    "receiving: a form that is broken",
    "receiving: a reason of its own",
    // Deno drops the body.
    "redirects: without a Location",
    // %22, %0A and %0D in a name are undone.
    "sending: a form",
    // The last line ends too.
    "sending: the text of a form",
];

fn present(name: &str) -> bool {
    Command::new(name).arg("--version").output().is_ok()
}

/// Installs Deno once, beside the build; answers its program.
fn deno() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(DENO.replace('@', "-"));
    let program = folder.join("node_modules/.bin/deno");
    if !program.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("package.json"), "{}").unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", DENO]);
        let done = npm.current_dir(&folder).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    program
}

/// Runs the checks in a program of somebody else's.
async fn elsewhere(mut program: Command, env: &Value) -> Table {
    program.arg(env.to_string()).env("NO_COLOR", "1");
    let output = tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(said.lines().last().unwrap()).unwrap()
}

async fn as_a_task(web: &Web) -> Table {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fetch-checks");
    let _ = std::fs::remove_dir_all(&dir);
    let allow = [("TASKER_FETCH_ALLOW_PRIVATE".to_owned(), web.allowed())];
    let stack = Stack::start(Shape::One, &dir, &allow).await.unwrap();
    let code = format!("{CHECKS}\nmodule.exports = all;\n");
    let row = stack.run("fetch-checks", &code, web.env()).await.unwrap();
    assert_eq!(row["status"], "completed", "{row}\n{}", stack.logs());
    serde_json::from_value(row["result"].clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_gets_what_deno_gets() {
    let web = Web::start().await;
    let ours = as_a_task(&web).await;
    assert!(ours.len() >= 150, "{} checks", ours.len());
    let failed: Vec<_> = ours.iter().filter(|(_, v)| v.get("failed").is_some()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    if !present("npm") || !present("node") {
        eprintln!(
            "no node and npm here: the checks were not compared with Deno's and Node's fetch"
        );
        return;
    }
    // Ready-made files: a script each, so that nothing depends on how a program takes its code.
    let script = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fetch-checks.mjs");
    std::fs::write(&script, format!("{CHECKS}{PRINT}")).unwrap();
    let mut program = Command::new(deno());
    program.args(["run", "--quiet", "--no-config", "--no-lock", "--allow-net"]).arg(&script);
    let deno = elsewhere(program, &web.env()).await;
    let mut program = Command::new("node");
    program.arg("--no-warnings").arg(&script);
    let node = elsewhere(program, &web.env()).await;
    compare(&ours, &deno, &node);
}

fn compare(ours: &Table, deno: &Table, node: &Table) {
    let mut wrong = Vec::new();
    for (name, our) in ours {
        let departs = AS_NODE.contains(&name.as_str());
        let theirs = if departs { &node[name] } else { &deno[name] };
        if our != theirs || departs && our == &deno[name] {
            wrong.push(format!(
                "{name}\n  ours {our}\n  Deno {}\n  Node {}",
                deno[name], node[name]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ours.keys().eq(deno.keys()) && AS_NODE.iter().all(|n| ours.contains_key(*n)));
    let (all, node) = (ours.len(), AS_NODE.len());
    println!("{all} checks: {} as Deno, {node} as Node where Deno departs", all - node);
}
