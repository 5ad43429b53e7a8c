//! What `tasker new` writes: a service and a task that work as they are.

use crate::services;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use services::{Killed, answers, env, folder};
use tasker_testkit::{
    process::{Process, bin_dir, free_port},
    stack::{Shape, Stack},
};

/// What `tasker new` begins is run; the service's template is a crate of this workspace, so what
/// runs here is what is written there but for the name.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_begun_works() {
    let dir = folder("new");
    checkout(&dir).unwrap();
    tasker(&dir, &["new", "service", "greeter"]);
    let template = root().join("tools/cli/templates/service");
    for file in ["Cargo.toml", "src/main.rs", "src/methods.rs"] {
        let read = |dir: &Path| std::fs::read_to_string(dir.join(file)).unwrap();
        let begun = read(&dir.join("services/wrappedgreeter"));
        assert!(!begun.contains("template"), "{file}: {begun}");
        assert_eq!(begun.replace("greeter", "template"), read(&template), "{file}");
    }
    let port = free_port().unwrap();
    let args = ["--port".to_owned(), port.to_string()];
    let mut service = Process::spawn("wrappedtemplate", &args, &[], &dir).unwrap();
    let url = format!("http://127.0.0.1:{port}/wrappedtemplate");
    service.ready(&format!("{url}/health")).await.unwrap();
    is_called(&dir, "template", &url).await;
}

/// The crate that was begun, built in a checkout of its own, is called: some minutes of compiling.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "make test-new-service"]
async fn a_service_that_is_begun_compiles() {
    let dir = folder("build");
    checkout(&dir).unwrap();
    let says = tasker(&dir, &["new", "service", "greeter"]);
    assert!(says.contains("cargo build --release -p wrappedgreeter"), "{says}");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-service-target");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--offline", "-p", "wrappedgreeter", "--target-dir"])
        .arg(&target)
        .current_dir(&dir)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let port = free_port().unwrap();
    let child = Command::new(target.join("release/wrappedgreeter"))
        .args(["--port", &port.to_string()])
        .current_dir(&dir)
        .spawn()
        .unwrap();
    let _killed = Killed(child);
    let url = format!("http://127.0.0.1:{port}/wrappedgreeter");
    answers(&format!("{url}/health")).await;
    is_called(&dir, "greeter", &url).await;
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A checkout that holds no more than a service needs, its shared crates being this one's.
fn checkout(dir: &Path) -> anyhow::Result<()> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml"))?;
    let members = manifest.lines().find(|l| l.starts_with("members = ")).unwrap_or_default();
    let few = "members = [\"services/*\", \"shared/core\", \"shared/http\"]";
    std::fs::create_dir_all(dir.join("services"))?;
    std::fs::write(dir.join("Cargo.toml"), manifest.replace(members, few))?;
    std::fs::copy(root().join("Cargo.lock"), dir.join("Cargo.lock"))?;
    std::os::unix::fs::symlink(root().join("shared"), dir.join("shared"))?;
    Ok(())
}

/// Runs `tasker` in `dir`; answers what it said.
fn tasker(dir: &Path, args: &[&str]) -> String {
    let made = Command::new(bin_dir().unwrap().join("tasker")).args(args).current_dir(dir).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8_lossy(&made.stdout).into_owned()
}

/// Runs tasks that `tasker new task` began, and one that calls the service.
async fn is_called(dir: &Path, name: &str, url: &str) {
    tasker(dir, &["new", "task", "greet"]);
    tasker(dir, &["new", "task", "greet-ts", "--typescript"]);
    let env = env(&[("TASKER_SERVICES", &format!("wrapped{name}={url}"))]);
    let stack = Stack::start(Shape::One, &dir.join("stack"), &env).await.unwrap();
    for (task, extension) in [("greet", "js"), ("greet-ts", "ts")] {
        let file = dir.join(format!("taskcode/endpoints/{task}.{extension}"));
        let code = std::fs::read_to_string(file).unwrap();
        let row = stack.run(task, &code, json!({ "greeting": "Hi" })).await.unwrap();
        assert_eq!(row["result"]["message"], format!("Hi from {task}"), "{row}");
    }
    let code = format!(
        "module.exports = async () => {{ const a = await __callHostTool__('{name}', 'echo', ['hi']); \
        try {{ await __callHostTool__('{name}', 'nothing', []); }} catch (e) {{ return [a, e.status, e.message]; }} }};"
    );
    let row = stack.run("calls-it", &code, json!({})).await.unwrap();
    assert_eq!(
        (&row["result"][0], &row["result"][1]),
        (&json!({ "echo": "hi" }), &json!(404)),
        "{row}"
    );
    assert!(row["result"][2].as_str().unwrap().contains("no method 'nothing'"), "{row}");
}
