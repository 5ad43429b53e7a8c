//! The JavaScript package: compiled by its own compiler, the same script under Node and Deno
//! against a running tasker, the same output.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tasker_testkit::stack::{Shape, Stack};

/// Runtimes and compiler come from the npm registry, once.
const PACKAGES: [&str; 2] = ["typescript@5.9.3", "deno@2.9.6"];

fn run(step: &mut Command, needs: &str) -> String {
    let output = step.output().unwrap_or_else(|e| panic!("{step:?}: {e}; this test needs {needs}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{step:?} failed; this test needs {needs}\n{said}{errors}");
    said
}

/// The package, compiled, in a folder of its own beside its tools.
fn package(tmp: &Path) -> (PathBuf, PathBuf) {
    let tools = tmp.join("sdk-tools");
    let done = tools.join(PACKAGES.join("+").replace('@', "-"));
    if !done.exists() {
        std::fs::create_dir_all(&tools).unwrap();
        let mut npm = Command::new("npm");
        // Deno's package puts its binary in place itself.
        npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"]);
        run(npm.arg(&tools).args(PACKAGES), "Node, npm and the npm registry");
        std::fs::write(done, "").unwrap();
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/js");
    let built = tmp.join("sdk");
    let _ = std::fs::remove_dir_all(&built);
    std::fs::create_dir_all(built.join("test")).unwrap();
    let tsc = tools.join("node_modules/typescript/bin/tsc");
    let compile = |config: &str, more: &[&str]| {
        let mut node = Command::new("node");
        run(node.arg(&tsc).arg("-p").arg(source.join(config)).args(more), "Node")
    };
    compile("tsconfig.test.json", &[]);
    compile("tsconfig.json", &["--outDir", built.join("dist").to_str().unwrap()]);
    std::fs::copy(source.join("package.json"), built.join("package.json")).unwrap();
    let script = built.join("test/everything.mjs");
    std::fs::copy(source.join("test/everything.mjs"), &script).unwrap();
    (tools, script)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_package_does_the_same_under_node_and_deno() {
    if Command::new("npm").arg("--version").output().is_err() {
        eprintln!("no npm here: the JavaScript package was not tried");
        return;
    }
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk-test");
    let (tools, script) = package(&tmp);
    let stack = Stack::start(Shape::One, &tmp.join("stack"), &[]).await.unwrap();
    let base = stack.url.trim_end_matches("/functions/v1").to_owned();
    let (node, deno) = tokio::task::spawn_blocking(move || {
        let mut node = Command::new("node");
        let node = run(node.arg(&script).args([&base, "node"]), "Node");
        let mut deno = Command::new(tools.join("node_modules/.bin/deno"));
        deno.args(["run", "--quiet", "--no-check", "--allow-net", "--no-remote"]);
        let deno = run(
            deno.env("DENO_DIR", tools.join("deno-dir")).arg(&script).args([&base, "deno"]),
            "Deno",
        );
        (node, deno)
    })
    .await
    .unwrap();
    assert_eq!(node, deno);
    insist(&node);
}

/// What the script must have printed.
fn insist(said: &str) {
    for line in [
        r#"execute: {"sum":10}"#,
        r#"watched to the end: ["completed",{"sum":435},true,30]"#,
        r#"log: ["summed 30"]"#,
        "same key, same run: true",
        "same key, other input: [true,422]",
        r#"failed: [true,"failed","RangeError",true]"#,
        "unknown task: [true,404,true]",
        r#"cancelled: [true,"cancelled"]"#,
        r#"aborted watch: "enough""#,
        "nobody there: 0",
        r#"proxy: {"echo":{"deep":[1,null,"é\u0000"]}}"#,
        "proxy error: [true,400]",
        r#"proxy is no promise: "undefined""#,
        r#"keystore: "a value""#,
        r#"database: [{"name":"sdk-sum"},null]"#,
        r#"service client: [{"echo":7},{"echo":"x"}]"#,
        "done: true",
    ] {
        assert!(said.lines().any(|l| l == line), "missing: {line}\n{said}");
    }
}
