//! A secret goes through everything there is, at the most talkative log level: set, read, used, kept
//! by a task over a crash of the executor, failed with, panicked with. Then nothing that is written
//! anywhere may hold it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic and say what it saw"
)]

use std::{path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::{Value, json};
use tasker_store::MasterKey;
use tasker_testkit::{
    pg::{Cluster, Server},
    stack::{Shape, Stack},
};

const CANARY: &str = "canary-6d2f81b3c09e4e57-must-not-be-seen";
/// Kept where it may be: the search must find it.
const CONTROL: &str = "control-17a9c5d2f4-may-be-seen";

const TASK: &str = "module.exports = async ({ control, fail }) => { \
    const secret = await __callHostTool__('keystore', 'getKey', ['default', 'CANARY']); \
    await __callHostTool__('keystore', 'setKey', ['copies', control, secret]); \
    await new Promise((done) => setTimeout(done, 700)); \
    const again = await __callHostTool__('keystore', 'getKey', ['copies', control]); \
    if (fail) throw new Error('failed with ' + again.length + ' characters in hand'); \
    return secret === again ? secret.length : 'differs'; };";

fn folder(name: &str) -> std::path::PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("canary-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_in_one_process() {
    let dir = folder("one");
    let said = through_everything(&Shape::One, &dir).await.unwrap();
    let mut places = logs(&dir);
    let read = |file| std::fs::read(dir.join(file)).unwrap_or_default();
    let bytes = [read("tasker.db"), read("tasker.db-wal")].concat();
    places.push(("tasker.db".to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
    judge(&said, places, "tasker.db");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_in_six_processes() {
    let dir = folder("six");
    let server = Server::of(Cluster::start().unwrap());
    let database = server.database().await.unwrap();
    let said = through_everything(&Shape::Six(database.url().to_owned()), &dir).await.unwrap();
    let mut places = logs(&dir);
    let mut dump = server.cluster().unwrap().command("pg_dump");
    let dump = dump.args(["--dbname", database.url()]).output().unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    places.push(("pg_dump".to_owned(), String::from_utf8_lossy(&dump.stdout).into_owned()));
    judge(&said, places, "pg_dump");
}

/// What was written, place by place: the logs, and every answer but that of `getKey`.
fn logs(dir: &Path) -> Vec<(String, String)> {
    let files = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let logs = files.filter(|path| path.extension().is_some_and(|end| end == "log"));
    let text = |path: std::path::PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        (path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned())
    };
    logs.map(text).collect()
}

fn judge(said: &str, mut places: Vec<(String, String)>, control: &str) {
    places.push(("answers".to_owned(), said.to_owned()));
    let hex: String = CANARY.bytes().map(|b| format!("{b:02x}")).collect();
    // As base64 has it at each of the three places it may begin at, without the ends.
    let shifted = (0..3).map(|n| {
        let text = STANDARD_NO_PAD.encode(format!("{}{CANARY}", "x".repeat(n)));
        text[4..text.len() - 4].to_owned()
    });
    let forms: Vec<String> = [CANARY.to_owned(), hex].into_iter().chain(shifted).collect();
    let mut bytes = 0;
    for (name, text) in &places {
        bytes += text.len();
        for form in &forms {
            let at = text.find(form.as_str());
            let around = at.map(|at| {
                let (from, to) = (at.saturating_sub(300), (at + 80).min(text.len()));
                String::from_utf8_lossy(&text.as_bytes()[from..to]).into_owned()
            });
            assert!(around.is_none(), "{name} holds the secret: {around:?}");
        }
        if name.contains(control) {
            assert!(text.contains(CONTROL), "{name}: the search finds nothing at all");
            assert!(text.contains("tasker:v1:"), "{name}: nothing sealed is there");
        }
    }
    let traced = places.iter().filter(|(_, text)| text.contains("TRACE")).count();
    assert!(traced > 0, "no log is at its most talkative");
    println!("{} places, {bytes} bytes, 0 hits", places.len());
}

async fn through_everything(shape: &Shape, dir: &Path) -> anyhow::Result<String> {
    let key = MasterKey::generate()?.expose().to_string();
    let env = |more: &[(&str, &str)]| -> Vec<(String, String)> {
        let usual = [("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full")];
        usual.iter().chain(more).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let mut said = String::new();

    let right = env(&[("TASKER_MASTER_KEY", &key)]);
    let mut stack = Stack::start(shape.clone(), dir, &right).await?;
    let done = set_and_use(&mut stack, &mut said).await;
    done.with_context(|| stack.logs())?;
    drop(stack);

    let panics = env(&[("TASKER_MASTER_KEY", &key), ("TASKER_FAULT", "panic:getKey")]);
    let stack = Stack::start(shape.clone(), dir, &panics).await?;
    let (status, answer) = stack.post("wrappedkeystore", &get("CANARY")).await?;
    ensure!(status == 500, "a panic is answered {status}: {answer}");
    said += &answer.to_string();
    drop(stack);

    let other = MasterKey::generate()?.expose().to_string();
    let wrong = env(&[("TASKER_MASTER_KEY", &other)]);
    let stack = Stack::start(shape.clone(), dir, &wrong).await?;
    let (status, answer) = stack.post("wrappedkeystore", &get("CANARY")).await?;
    ensure!(status == 500 && answer["code"] == "MASTER_KEY_UNKNOWN", "{status}: {answer}");
    ensure!(answer["error"].as_str().unwrap_or("").contains("TASKER_MASTER_KEY"), "{answer}");
    said += &answer.to_string();
    Ok(said)
}

fn get(key: &str) -> Value {
    json!({ "action": "getKey", "namespace": "default", "key": key })
}

async fn set_and_use(stack: &mut Stack, said: &mut String) -> anyhow::Result<()> {
    let set = async |key: &str, value: &str| {
        let body =
            json!({ "action": "setKey", "namespace": "default", "key": key, "value": value });
        let (status, answer) = stack.post("wrappedkeystore", &body).await?;
        ensure!(status == 200, "{status}: {answer}");
        anyhow::Ok(answer.to_string())
    };
    *said += &set("CANARY", "an earlier value").await?;
    *said += &set("CANARY", CANARY).await?;
    let google = json!({
        "type": "service_account", "client_email": "a@b.c", "private_key": CANARY,
        "token_uri": "http://127.0.0.1:9/token",
    });
    *said += &set("GAPI_KEY", &google.to_string()).await?;
    *said += &set("GAPI_ADMIN_EMAIL", "admin@example.com").await?;
    let (status, answer) = stack.post("wrappedkeystore", &get("CANARY")).await?;
    ensure!(status == 200 && answer["data"]["data"] == CANARY, "{status}: {answer}");

    // The secret is used by a service, and is no good.
    let call = json!({ "chain": [{ "property": "admin" }, { "property": "domains" },
        { "property": "list", "args": [{}] }] });
    let (status, answer) = stack.post("wrappedgapi", &call).await?;
    ensure!(status >= 400, "{status}: {answer}");
    *said += &answer.to_string();

    stack.publish("canary", TASK).await?;
    let good = stack.submit("canary", json!({ "control": CONTROL })).await?;
    let bad = stack.submit("canary", json!({ "control": "second", "fail": true })).await?;
    tokio::time::sleep(Duration::from_millis(350)).await;
    // Its isolates are gone: what they had read comes back from the journal.
    stack.kill_and_restart("deno-executor").await?;
    let good = stack.ended(good, Duration::from_secs(60)).await?;
    ensure!(good["result"] == CANARY.len(), "{good}");
    let bad = stack.ended(bad, Duration::from_secs(60)).await?;
    ensure!(
        bad["error"]["message"] == format!("failed with {} characters in hand", CANARY.len()),
        "{bad}"
    );
    for run in [&good, &bad] {
        let id = &run["id"];
        for path in
            [format!("tasks/status/{id}"), format!("tasks/logs?task_id={id}"), "tasks/runs".into()]
        {
            *said += &stack.get(&path).await?.1.to_string();
        }
    }
    ensure!(said.contains("$sealed"), "the status shows what the journal holds, sealed");
    // What a task can read of the tables.
    let read = json!({ "chain": [{ "property": "from", "args": ["stack_runs"] }, { "property": "select", "args": ["*"] }] });
    let (status, answer) = stack.post("wrappedsupabase", &read).await?;
    ensure!(status == 200, "{status}: {answer}");
    *said += &answer.to_string();
    Ok(())
}
