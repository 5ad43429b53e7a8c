//! What a real worker has, and what it does not.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tasker_testkit::{
    peaks::below,
    stack::{Shape, Stack},
};

/// Waits for something that does not come in time.
const WAITS: &str = "module.exports = async () => { \
    await new Promise((done) => setTimeout(done, 3_600_000)); };";

/// The executor of `env`, what it says of its sandbox, and the number of a worker with a parked run.
async fn parked(name: &str, env: &[(&str, &str)]) -> (Stack, Value, u32) {
    let name = format!("{name}-{}", std::process::id());
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let env: Vec<_> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let stack = Stack::start(Shape::One, &dir, &env).await.unwrap();
    stack.publish("waits", WAITS).await.unwrap();
    stack.submit("waits", json!({})).await.unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let worker = loop {
        // The template comes first, and its workers after it.
        if let [_, worker] = below(stack.processes[0].id())[..] {
            break worker;
        }
        assert!(Instant::now() < until, "{}", stack.logs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    // It may just have been forked: it is parked once its timer is on record.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (_, health) = stack.get("deno-executor").await.unwrap();
    (stack, health["sandbox"].clone(), worker)
}

fn status(worker: u32, name: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

fn descriptors(worker: u32) -> Vec<String> {
    let all = std::fs::read_dir(format!("/proc/{worker}/fd")).unwrap();
    let target = |entry: std::fs::DirEntry| std::fs::read_link(entry.path()).ok();
    let names = all.flatten().filter_map(target).map(|to| to.to_string_lossy().into_owned());
    let kind = |name: String| name.split(':').next().unwrap_or_default().to_owned();
    let mut names: Vec<_> = names.map(kind).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_has_nothing() {
    let secret = [("SUPABASE_DB_PASSWORD", "do not hand on")];
    let (stack, layers, worker) = parked("sandboxed", &secret).await;
    let environment = std::fs::read_to_string(format!("/proc/{worker}/environ")).unwrap();
    assert_eq!(environment.trim_end_matches('\0'), "TZ=UTC");
    assert_eq!(descriptors(worker), ["/dev/null", "pipe", "pipe"], "{}", stack.logs());
    assert_eq!(status(worker, "NoNewPrivs"), "1");
    for (layer, on) in layers.as_object().unwrap() {
        // A host that lacks a layer says why; this test is about those that it has.
        if on != &json!(true) {
            eprintln!("sandbox: {layer} is not on here: {on}");
        }
    }
    if layers["seccomp"] == json!(true) {
        assert_eq!(status(worker, "Seccomp"), "2");
    }
    if layers["namespaces"] == json!(true) {
        let namespace = |of: &str| std::fs::read_link(format!("/proc/{of}/ns/net")).unwrap();
        assert_ne!(namespace(&worker.to_string()), namespace("self"));
        let root = std::fs::read_dir(format!("/proc/{worker}/root"));
        assert!(root.is_err() || root.unwrap().next().is_none(), "its file system is not empty");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sandbox_it_has_more() {
    let (_stack, layers, worker) = parked("unsandboxed", &[("TASKER_SANDBOX", "off")]).await;
    assert_eq!(layers, json!({}));
    assert_eq!((status(worker, "NoNewPrivs"), status(worker, "Seccomp")), ("0".into(), "0".into()));
    let namespace = |of: &str| std::fs::read_link(format!("/proc/{of}/ns/net")).unwrap();
    assert_eq!(namespace(&worker.to_string()), namespace("self"));
}
