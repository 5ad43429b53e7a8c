//! Task code that is published when it is saved, and runs that go on on it.

use crate::dev;

use std::time::{Duration, Instant};

use dev::{Dev, WAIT, returns};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn saving_publishes() {
    let dev = Dev::start(
        "saving",
        &[("a.js", &returns("1")), ("b.ts", "export default async (i: { n: number }) => i.n;")],
        &[],
        &[],
    )
    .await;
    dev.until_version("a", 1).await;
    dev.until_version("b", 1).await;
    let mut took = Vec::new();
    for version in 2..22 {
        dev.save("a.js", &returns(&version.to_string()));
        took.push(dev.until_version("a", version).await);
    }
    took.sort();
    eprintln!("saved to published: median {:?}, slowest {:?}", took[10], took[19]);
    assert_eq!(dev.run("a", json!({})).await["result"], "21");

    // As editors save: a new file in the old one's place, and files of their own beside.
    std::fs::write(dev.code.join(".a.js.swp"), "not code").unwrap();
    std::fs::write(dev.code.join("a.js~"), "not code").unwrap();
    let beside = dev.dir.join("a.tmp");
    std::fs::write(&beside, returns("renamed")).unwrap();
    std::fs::rename(&beside, dev.code.join("a.js")).unwrap();
    dev.until_version("a", 22).await;
    std::fs::remove_file(dev.code.join("a.js")).unwrap();
    dev.save("a.js", &returns("anew"));
    dev.until_version("a", 23).await;
    // The same text again is no new version, nor is a file that is only touched.
    dev.save("a.js", &returns("anew"));

    // New folders, several files at once, TypeScript, a folder moved in.
    std::fs::create_dir_all(dev.code.join("deep/er")).unwrap();
    for n in 0..10 {
        dev.save(
            &format!("deep/er/many-{n}.ts"),
            &format!("export default async (): Promise<number> => {n};"),
        );
    }
    let outside = dev.dir.join("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("moved.mjs"), "export default async () => 'moved';").unwrap();
    std::fs::rename(&outside, dev.code.join("inside")).unwrap();
    for n in 0..10 {
        dev.until_version(&format!("many-{n}"), 1).await;
    }
    dev.until_version("moved", 1).await;
    assert_eq!(dev.run("many-7", json!({})).await["result"], 7);

    // What is gone stays published; two files of one name are told apart from one.
    std::fs::remove_file(dev.code.join("deep/er/many-3.ts")).unwrap();
    dev.says("many-3.ts is gone; many-3 stays published").await;
    assert_eq!(dev.run("many-3", json!({})).await["result"], 3);
    dev.save("deep/a.ts", "export default async () => 'other';");
    dev.says("is the task a too").await;
    assert_eq!((dev.version("a").await, dev.version("b").await), (23, 1), "{}", dev.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_shown_where_they_stand() {
    let dev = Dev::start("mistakes", &[("a.js", &returns("good"))], &[], &[]).await;
    dev.until_version("a", 1).await;
    let mistakes = [
        (
            "a.js",
            "module.exports = async () => {\n\tconst b = ;\n};\n",
            "a.js:2:12: SyntaxError",
            "> 2 | \tconst b = ;\n    | \t          ^",
        ),
        (
            "a.js",
            "module.exports = async () => {\n  let c = 1;\n  let c = 2;\n};\n",
            "a.js:3:7: SyntaxError",
            "> 3 |   let c = 2;\n    |       ^",
        ),
        (
            "a.js",
            "import x from 'y';\nexport default () => x;\n",
            "a.js:1:1: SyntaxError: cannot import 'y'",
            "> 1 | import x from 'y';\n    | ^",
        ),
        (
            "t.ts",
            "type T = { a: number };\nexport default async (t: T) => {\n  return t.;\n};\n",
            "t.ts:3:12: SyntaxError",
            "> 3 |   return t.;\n    |            ^",
        ),
        (
            "a.js",
            "module.exports = async () => {\n  for (;;) { await 1; \n",
            "a.js:3:1: SyntaxError",
            "> 3 | \n    | ^",
        ),
    ];
    for (file, code, place, frame) in mistakes {
        dev.save(file, code);
        dev.says(place).await;
        dev.says(frame).await;
    }
    assert_eq!((dev.version("a").await, dev.version("t").await), (1, 0));
    assert_eq!(dev.run("a", json!({})).await["result"], "good");
    dev.save("a.js", &returns("better"));
    dev.until_version("a", 2).await;

    // `tasker publish` shows the same.
    let broken = dev.dir.join("broken.js");
    std::fs::write(&broken, mistakes[0].1).unwrap();
    let tasker = tasker_testkit::process::bin_dir().unwrap().join("tasker");
    let url = format!("{}/functions/v1", dev.base);
    let said = std::process::Command::new(tasker)
        .args(["--functions-url", &url, "publish"])
        .arg(&broken)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(1));
    assert!(text.contains("broken.js:2:12: SyntaxError") && text.contains(mistakes[0].3), "{text}");
}

/// Waits between two calls, so that there is time to save other code.
fn waits(argument: u32, ms: u32, says: &str) -> String {
    format!(
        "module.exports = async () => {{\n  const a = (await __callHostTool__('gapi', 'echo', [{argument}])).echo;\n  \
         await new Promise((r) => setTimeout(r, {ms}));\n  return ['{says}', a];\n}};\n"
    )
}

/// Submits `w` and waits until it sleeps.
async fn sleeping(dev: &Dev) -> i64 {
    let (_, made) = dev.post("/task/submit", json!({ "task_identifier": "w" })).await;
    let run = made["taskRunId"].as_i64().unwrap();
    let until = Instant::now() + WAIT;
    while dev.get(&format!("/task/status/{run}")).await.1["calls"] != 2 {
        assert!(Instant::now() < until, "{}", dev.log());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_keep_their_version_unless_live() {
    let files = [("w.js", &*waits(1, 700, "one"))];
    let dev = Dev::start("kept", &files, &[], &[]).await;
    dev.until_version("w", 1).await;
    let run = sleeping(&dev).await;
    dev.save("w.js", &waits(1, 700, "two"));
    dev.until_version("w", 2).await;
    let row = dev.ended(run).await;
    assert_eq!((&row["result"], &row["version"]), (&json!(["one", 1]), &json!(1)), "{row}");

    let dev = Dev::start("live", &[("w.js", &waits(1, 1_500, "one"))], &["--live"], &[]).await;
    dev.until_version("w", 1).await;
    let run = sleeping(&dev).await;
    dev.save("w.js", &waits(1, 1_500, "two"));
    dev.says(&format!("run {run} goes on on version 2 (was 1): 2 calls are the same")).await;
    // Other calls: it stays where it is, and the call is named.
    dev.save("w.js", &waits(7, 1_500, "three"));
    let says = format!(
        "run {run} stays on version 2: call 0 differs\n  recorded   wrappedgapi.echo([1])\n  version 3  wrappedgapi.echo([7])"
    );
    dev.says(&says).await;
    let row = dev.ended(run).await;
    assert_eq!((&row["result"], &row["version"]), (&json!(["two", 1]), &json!(2)), "{row}");
}
