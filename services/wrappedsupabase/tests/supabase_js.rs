//! The same chains through the real supabase-js and through us: one server sees the same requests,
//! and the same answers become the same results.

use crate::cases;
use crate::common;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use axum::response::Response;
use common::{
    mounted,
    recorder::{Recorded, Recorder, answer, json_answer, meaning},
    run,
};
use serde_json::{Value, json};
use wrappedsupabase::{Forward, State};

const KEY: &str = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.signature";

/// The client: its version, what npm installs for it, and what runs it.
struct Client {
    version: &'static str,
    packages: &'static str,
    runs: &'static [&'static str],
}

/// The last one for Node 20, and a newer one, which Deno runs.
const CLIENTS: [Client; 2] = [
    Client {
        version: "2.109.0",
        packages: r#"{"@supabase/supabase-js":"2.109.0"}"#,
        runs: &["node"],
    },
    Client {
        version: "2.119.1",
        packages: r#"{"@supabase/supabase-js":"2.119.1","deno":"2.9.6"}"#,
        runs: &["node_modules/.bin/deno", "run", "-A", "--no-lock"],
    },
];

impl Client {
    /// The folder it is installed in, kept between runs; none where Node is not there.
    fn installed(&self) -> Option<PathBuf> {
        let present = |name: &str| Command::new(name).arg("--version").output().is_ok();
        if !present("node") || !present("npm") {
            eprintln!("no node and npm here: supabase-js was not compared with");
            return None;
        }
        // The tests of this file run at once.
        static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _one = ONE.lock();
        let name = format!("supabase-js-{}", self.version);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if !folder.join("installed").exists() {
            std::fs::create_dir_all(&folder).unwrap();
            let packages = self.packages;
            let manifest =
                format!(r#"{{"private":true,"type":"module","dependencies":{packages}}}"#);
            std::fs::write(folder.join("package.json"), manifest).unwrap();
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
            let output = npm.current_dir(&folder).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "this test needs the npm registry: {said}");
            std::fs::write(folder.join("installed"), "").unwrap();
        }
        // Beside node_modules, where modules are looked for.
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/chains.mjs");
        std::fs::copy(script, folder.join("chains.mjs")).unwrap();
        Some(folder)
    }

    /// Its results of these chains; none where it is not there.
    async fn results(&self, url: String, chains: &[Value]) -> Option<Vec<Value>> {
        let folder = self.installed()?;
        let input = json!({"url": url, "key": KEY, "chains": chains}).to_string();
        let (program, args) = self.runs.split_first().unwrap();
        let program = if program.contains('/') { folder.join(program) } else { program.into() };
        let mut command = Command::new(program);
        command.args(args).arg("chains.mjs").current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let work = move || {
            let mut child = command.spawn()?;
            child.stdin.take().unwrap().write_all(input.as_bytes())?;
            child.wait_with_output()
        };
        let output = tokio::task::spawn_blocking(work).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let read = serde_json::from_slice(&output.stdout);
        Some(read.unwrap_or_else(|e| panic!("{} {e}: {said}", self.version)))
    }
}

async fn project(url: &str) -> axum::Router {
    let store = tasker_store::connect("sqlite::memory:").await.unwrap();
    let forward = Forward::at(url, KEY.into(), None, Duration::from_millis(1)).unwrap();
    mounted(State::new(store).forwarding(forward))
}

/// Answers that the parts of a project give.
fn answers(request: &Recorded, _: usize) -> Response {
    let object = json!({
        "id": "u1", "created_at": "now", "nested_part": [{"some_name": 1}], "action_link": "a",
        "email_otp": "1", "hashed_token": "h", "redirect_to": "r", "verification_type": "v",
        "url": "/object/upload/sign/b/a.txt?token=tok", "signedURL": "/object/sign/b/a?token=t t",
        "Id": "i", "Key": "b/a.txt", "users": [], "providers": [{"name": "n"}],
    });
    let list = request.path == "/storage/v1/object/sign/my%20bucket";
    match request.path.as_str() {
        path if path.starts_with("/rest/v1/") => json_answer(&json!([])),
        _ if list => json_answer(
            &json!([{"path": "a", "signedURL": "/x?token=1"}, {"path": "b", "signedURL": null}]),
        ),
        _ => json_answer(&object),
    }
}

/// Without the look that newer clients take at a user before they delete it.
fn acting(all: Vec<Recorded>) -> Vec<Recorded> {
    let deletes = |r: Option<&Recorded>, path: &str| {
        r.is_some_and(|r| r.method == "DELETE" && r.path == path)
    };
    let looks: Vec<bool> = all
        .iter()
        .enumerate()
        .map(|(i, r)| r.method == "GET" && deletes(all.get(i + 1), &r.path))
        .collect();
    all.into_iter().zip(looks).filter(|(_, looks)| !looks).map(|(r, _)| r).collect()
}

#[tokio::test]
async fn requests_are_the_same() {
    for client in &CLIENTS {
        same_requests(client).await;
    }
}

async fn same_requests(client: &Client) {
    let recorder = Recorder::start(answers).await;
    let mut chains: Vec<Value> =
        cases::all().into_iter().filter(|c| c.in_js).map(|c| c.links).collect();
    chains.extend(cases::project::all());
    // Asked in another way by the newer client: `GET /object/info`. Ours is the older `HEAD`.
    if client.version != "2.109.0" {
        chains.retain(|links| !links.to_string().contains("\"exists\""));
    }
    let url = format!("{}/a", recorder.url);
    let Some(their_results) = client.results(url, &chains).await else { return };
    let their_requests = acting(recorder.take());

    let app = project(&format!("{}/b", recorder.url)).await;
    let mut wrong = Vec::new();
    let mut at = 0;
    for (links, theirs) in chains.iter().zip(&their_results) {
        let result = run(&app, links).await;
        let sent = recorder.take();
        for (i, ours) in sent.iter().map(meaning).enumerate() {
            let theirs = their_requests.get(at + i).map(meaning).unwrap_or_default();
            if ours != theirs {
                wrong.push(format!("{links}\n  ours   {ours}\n  theirs {theirs}"));
            }
        }
        at += sent.len();
        // A file is a Blob there, and JSON here; an address has the name of its server's prefix.
        let same = |v: &Value| v.to_string().replace("/a/storage", "/b/storage");
        if !links.to_string().contains("download\",") && same(theirs) != same(&result) {
            wrong.push(format!("{links}\n  ours   {result}\n  theirs {theirs}"));
        }
    }
    let version = client.version;
    let of = format!("{} of {} with {version}", wrong.len(), chains.len());
    assert!(wrong.is_empty(), "{of}:\n{}", wrong.join("\n"));
    assert_eq!(at, their_requests.len(), "as many requests as {version}");
    assert!(at > 150, "{at} requests compared");
    eprintln!("{at} requests and {} results are those of supabase-js {version}", chains.len());
}

/// The table's name says what is answered.
fn odd_answers(request: &Recorded, _: usize) -> Response {
    let json = [("content-type", "application/json"), ("content-range", "0-1/57")];
    let name = request.path.trim_start_matches("/rest/v1/").trim_start_matches("rpc/");
    let error = r#"{"code":"23505","details":"d","hint":null,"message":"m"}"#;
    match name.split('?').next().unwrap_or_default() {
        "rows" => answer(206, &json, r#"[{"a":1.50},{"a":2}]"#),
        "one" => answer(200, &json, r#"[{"a":1}]"#),
        "object" => answer(200, &json, r#"{"a":1}"#),
        "none" => answer(200, &json, "[]"),
        "text" => answer(200, &json, "a,b\n1,2"),
        "odd" => answer(200, &json, "<html>"),
        "gone" => answer(204, &json, ""),
        "made" => answer(201, &json, ""),
        "conflict" => answer(409, &json, error),
        "missing" => answer(404, &json, ""),
        "array" => answer(404, &json, "[]"),
        "broken" => answer(500, &json, "oops"),
        "several" => answer(300, &json, error),
        _ => answer(401, &json, r#"{"message":"no"}"#),
    }
}

#[tokio::test]
async fn results_are_the_same() {
    for client in &CLIENTS {
        same_results(client).await;
    }
}

async fn same_results(client: &Client) {
    let recorder = Recorder::start(odd_answers).await;
    let tables = [
        "rows", "one", "object", "none", "text", "odd", "gone", "made", "conflict", "missing",
        "array", "broken", "several", "other",
    ];
    let mut chains = Vec::new();
    for table in tables {
        let from = json!(["from", table]);
        chains.push(json!([from, ["select", "*", {"count": "exact"}]]));
        chains.push(json!([from, ["select"], ["maybeSingle"]]));
        chains.push(json!([from, ["select"], ["single"]]));
        chains.push(json!([from, ["select"], ["csv"]]));
        chains.push(json!([from, ["select", "*", {"count": "planned", "head": true}]]));
        chains.push(json!([from, ["insert", {"a": 1}]]));
        chains.push(
            json!([from, ["update", {"a": 1}, {"count": "exact"}], ["eq", "a", 1], ["select"]]),
        );
        chains.push(json!([from, ["select"], ["explain"]]));
        chains.push(json!([["rpc", table]]));
    }
    let url = format!("{}/a", recorder.url);
    let Some(their_results) = client.results(url, &chains).await else { return };
    let app = project(&format!("{}/b", recorder.url)).await;
    let mut wrong = Vec::new();
    for (links, theirs) in chains.iter().zip(&their_results) {
        let ours = run(&app, links).await;
        if ours != *theirs {
            wrong.push(format!("{links}\n  ours   {ours}\n  theirs {theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), chains.len(), wrong.join("\n"));
}
