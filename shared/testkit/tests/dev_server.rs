//! `tasker-dev` as a developer has it: the original's routes and its environment.

use crate::dev;

use std::time::Instant;

use dev::{Dev, WAIT, returns};
use serde_json::json;
use tasker_testkit::process::Process;

const HELLO: &str = "/** Greets. */\nmodule.exports = async ({ name }) => (await __callHostTool__('gapi', 'echo', [`hello ${name}`])).echo;\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_originals_routes() {
    let dev = Dev::start("routes", &[("hello.js", HELLO)], &["--sqlite"], &[]).await;
    eprintln!("ready in {:?}", dev.ready);
    dev.until_version("hello", 1).await;
    says_what_it_is(&dev).await;
    runs_what_is_submitted(&dev).await;
    stores_functions(&dev).await;
    shows_a_run_that_waits(&dev).await;
    keeps_secrets_and_calls_services(&dev).await;
}

async fn says_what_it_is(dev: &Dev) {
    let (status, health) = dev.get("/health").await;
    assert_eq!(
        (status, &health["status"], &health["backend"]),
        (200, &json!("ok"), &json!("sqlite"))
    );
    assert!(health["timestamp"].as_str().unwrap().ends_with('Z'));
    let (status, index) = dev.get("/").await;
    assert!(status == 200 && index["endpoints"].is_array(), "{index}");
    let options = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, format!("{}/task/submit", dev.base))
        .send()
        .await
        .unwrap();
    let origin = options.headers()["access-control-allow-origin"].clone();
    assert_eq!((options.status().as_u16(), origin.to_str().unwrap()), (200, "*"));
}

async fn runs_what_is_submitted(dev: &Dev) {
    let row = dev.run("hello", json!({ "name": "Ada" })).await;
    assert_eq!((&row["status"], &row["result"]), (&json!("completed"), &json!("hello Ada")));
    assert_eq!(row["stack_runs"].as_array().map(Vec::len), Some(2), "{row}");
    let id = row["id"].as_i64().unwrap();
    let (status, done) = dev.post(&format!("/task/execute/{id}"), json!({})).await;
    assert_eq!(
        (status, &done["success"], &done["result"]),
        (200, &json!(true), &json!("hello Ada"))
    );
    let (status, seen) = dev.post("/task/process", json!({})).await;
    assert_eq!((status, &seen["success"]), (200, &json!(true)));
    for (path, says) in
        [("/task/status/9999", "Task not found"), ("/task/execute/9999", "Task not found")]
    {
        let asked = if path.contains("status") {
            dev.get(path).await
        } else {
            dev.post(path, json!({})).await
        };
        assert_eq!((asked.0, &asked.1["error"]), (404, &json!(says)), "{path}");
    }
    assert_eq!(dev.get("/task/status/x").await.0, 400);
    let (status, refused) = dev.post("/task/submit", json!({ "task_identifier": "nope" })).await;
    assert!(status == 404 && refused["error"].as_str().unwrap().contains("hello"), "{refused}");
    assert_eq!(dev.post("/task/submit", json!({ "input": 1 })).await.0, 400);
}

async fn stores_functions(dev: &Dev) {
    let store = |code: &str| json!({ "task_identifier": "stored", "code": code, "metadata": { "description": "Kept." } });
    let (status, stored) = dev.post("/task/store-function", store(&returns("stored"))).await;
    assert_eq!((status, &stored["message"]), (200, &json!("Function stored")), "{stored}");
    let (status, broken) = dev
        .post(
            "/task/store-function",
            store("module.exports = () => {\n  let a = 1;\n  let a = 2;\n};"),
        )
        .await;
    assert_eq!((status, &broken["errors"][0]["line"]), (422, &json!(3)), "{broken}");
    assert_eq!(dev.run("stored", json!({})).await["result"], "stored");
    assert_eq!(dev.post("/task/store-function", json!({ "code": "1" })).await.0, 400);
}

/// A run that waits: the original's suspension object.
async fn shows_a_run_that_waits(dev: &Dev) {
    let sleeper = "module.exports = () => new Promise((r) => setTimeout(r, 3600000));";
    dev.post("/task/store-function", json!({ "task_identifier": "sleeper", "code": sleeper }))
        .await;
    let (_, made) = dev.post("/task/submit", json!({ "task_identifier": "sleeper" })).await;
    let (status, open) = dev.post(&format!("/task/execute/{}", made["taskRunId"]), json!({})).await;
    assert_eq!((status, &open["suspended"]), (200, &json!(true)), "{open}");
    assert_eq!(open["suspensionData"]["serviceName"], "timer");
}

async fn keeps_secrets_and_calls_services(dev: &Dev) {
    let (status, kept) = dev.post("/task/keystore", json!({ "key": "K", "value": "v" })).await;
    assert_eq!((status, &kept["message"]), (200, &json!("Stored K")));
    assert_eq!(
        dev.get("/task/keystore/K").await.1,
        json!({ "success": true, "key": "K", "value": "v" })
    );
    assert_eq!(dev.get("/task/keystore/none").await.0, 404);
    let chain =
        json!({ "chain": [{ "property": "test.getStepData", "args": [{ "stepNumber": 3 }] }] });
    for path in ["/wrappedgapi", "/functions/v1/wrappedgapi"] {
        let (status, step) = dev.post(path, chain.clone()).await;
        assert_eq!((status, &step["stepNumber"]), (200, &json!(3)), "{path}: {step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_the_seeds_environment() {
    let env = [
        ("SUPABASE_SERVICE_KEY", "service-role-key-of-the-test"),
        ("SERVICE_CLIENT_TYPE", "direct"),
        ("SERVICE_CLIENT_AUTH_TOKEN", "s3cret-token"),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:9/none"),
    ];
    let dev = Dev::start("keys", &[("hello.js", HELLO)], &[], &env).await;
    // Its own parts have the key; whoever comes without is refused, on the older routes too.
    dev.says("hello version 1").await;
    let body = json!({ "task_identifier": "hello", "input": { "name": "x" } });
    assert_eq!(dev.post("/task/submit", body.clone()).await.0, 401);
    assert_eq!(dev.get("/task/keystore/K").await.0, 401);
    assert_eq!(dev.get("/health").await.0, 200);
    let client = reqwest::Client::new().post(format!("{}/task/submit", dev.base));
    let (status, made) = dev.send(client.json(&body).header("apikey", env[0].1)).await;
    assert_eq!(status, 200, "{made}");
    dev.says("SERVICE_CLIENT_TYPE=direct is read as http").await;
    dev.says("SERVICE_CLIENT_AUTH_TOKEN is not used").await;
    assert!(!dev.log().contains("s3cret-token") && !dev.log().contains(env[0].1));

    // What makes no sense is said, and nothing starts.
    for (args, env, says) in [
        (&["--supabase"][..], ("SUPABASE_URL", "https://abc.supabase.co"), "DATABASE_URL"),
        (&[][..], ("SERVICE_CLIENT_TYPE", "soap"), "SERVICE_CLIENT_TYPE is 'soap'"),
        (&["--watch-dir", "/nowhere"][..], ("X", "y"), "no such folder"),
    ] {
        let args: Vec<String> =
            ["--port", "0"].iter().chain(args).map(|a| (*a).to_owned()).collect();
        let db = dev.dir.join("other.db").display().to_string();
        let env = [(env.0.to_owned(), env.1.to_owned()), ("SQLITE_DB_PATH".to_owned(), db)];
        let dir = dev.dir.join("refused");
        std::fs::create_dir_all(&dir).unwrap();
        let mut refused = Process::spawn("tasker-dev", &args, &env, &dir).unwrap();
        let until = Instant::now() + WAIT;
        while refused.exited().is_none() {
            assert!(Instant::now() < until, "it started: {says}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let log = std::fs::read_to_string(&refused.log).unwrap();
        assert!(log.contains(says), "{says} in {log}");
    }
}
