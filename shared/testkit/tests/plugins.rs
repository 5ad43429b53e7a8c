//! Services that others wrote, registered by their address: one in Python, and wrappedwebhook.

use crate::services;

use std::{
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use services::{Killed, answers, env, folder};
use tasker_testkit::{
    pg,
    process::{Process, free_port},
    stack::{Shape, Stack},
};

const KEY: &str = "service-role-key-of-the-test";
const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The service in Python, and where it is.
async fn counter() -> (Killed, String) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/counter.py");
    let port = free_port().unwrap();
    let child = Command::new("python3").arg(file).arg(port.to_string()).spawn();
    let child = Killed(child.expect("this test needs python3 (make setup)"));
    let url = format!("http://127.0.0.1:{port}");
    answers(&format!("{url}/health")).await;
    (child, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_server_on_sqlite_in_one_process() {
    let (_python, url) = counter().await;
    let services = format!("wrappedcounter={url},wrappednowhere=http://127.0.0.1:9");
    let env =
        env(&[("TASKER_SERVICES", &services), ("TASKER_SERVICE_TOKENS", "wrappedcounter=t0ken")]);
    let stack = Stack::start(Shape::One, &folder("one"), &env).await.unwrap();
    counts(&stack, json!("Bearer t0ken"))
        .await
        .unwrap_or_else(|e| panic!("{e:#}\n{}", stack.logs()));
    assert!(stack.logs().contains("not there yet") && !stack.logs().contains("t0ken"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_server_on_postgres_in_six_processes() {
    let server = pg::Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let (_python, url) = counter().await;
    let env = env(&[("TASKER_SERVICES", &format!("wrappedcounter={url}"))]);
    let shape = Shape::Six(database.url().to_owned());
    let stack = Stack::start(shape, &folder("six"), &env).await.unwrap();
    counts(&stack, Value::Null).await.unwrap_or_else(|e| panic!("{e:#}\n{}", stack.logs()));
}

async fn counts(stack: &Stack, token: Value) -> anyhow::Result<()> {
    // By its short name, by its full one, over what it calls a passing error and a lasting one.
    let code = "module.exports = async () => { const call = (s, m, ...a) => __callHostTool__(s, m, a, { retry: { attempts: 5, backoffMs: 20 } }); \
        const one = await call('counter', 'add', 2); const two = await call('wrappedcounter', 'sub.add', 3, 4); \
        const three = await call('counter', 'busy', 1); \
        try { await call('counter', 'broken'); } catch (e) { return { one, two, three, caught: [e.name, e.message, e.status] }; } };";
    let row = stack.run("counting", code, json!({})).await?;
    let result = &row["result"];
    anyhow::ensure!(row["status"] == "completed", "{row}");
    let totals = [&result["one"]["total"], &result["two"]["total"], &result["three"]["total"]];
    anyhow::ensure!(totals == [&json!(2), &json!(9), &json!(10)], "{row}");
    anyhow::ensure!(result["one"]["key"].as_str().is_some_and(|k| k.starts_with("sr-")), "{row}");
    anyhow::ensure!(result["one"]["token"] == token, "it is shown its own token or nothing: {row}");
    let caught = &result["caught"];
    anyhow::ensure!(caught[0] == "ServiceError" && caught[2] == 503, "{row}");
    anyhow::ensure!(caught[1].as_str().is_some_and(|m| m.contains("no such luck")), "{row}");
    // From outside, through tasker's own address.
    let chain = json!({ "chain": [{ "property": "add", "args": [5] }] });
    let (status, said) = stack.post("wrappedcounter", &chain).await?;
    anyhow::ensure!(status == 200 && said["total"] == 15, "{said}");
    let (status, _) = stack.get("wrappedcounter/health").await?;
    anyhow::ensure!(status == 200);
    anyhow::ensure!(stack.post("counter", &chain).await?.0 == 404, "addresses have no short names");
    Ok(())
}

/// Services that others wrote see no key of tasker's, and nobody reaches them without one.
#[tokio::test(flavor = "multi_thread")]
async fn the_gate_stands_before_them() {
    let (_python, url) = counter().await;
    let services = format!("wrappedcounter={url}");
    for (name, shape) in [("gate-one", "one"), ("gate-gateway", "gateway")] {
        let dir = folder(name);
        let port = free_port().unwrap().to_string();
        let db = dir.join("d.db").display().to_string();
        let args: &[&str] = match shape {
            "one" => &["--port", &port, "--db", &db],
            _ => &["gateway", "--port", &port],
        };
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        let env = env(&[("TASKER_SERVICES", &services), ("SUPABASE_SERVICE_ROLE_KEY", KEY)]);
        let mut process = Process::spawn("tasker-dev", &args, &env, &dir).unwrap();
        let base = format!("http://127.0.0.1:{port}");
        process.ready(&format!("{base}/_internal/health")).await.unwrap();
        let client = reqwest::Client::new();
        let call = || {
            let body = json!({ "chain": [{ "property": "add", "args": [1] }] });
            client.post(format!("{base}/functions/v1/wrappedcounter")).json(&body)
        };
        assert_eq!(call().send().await.unwrap().status(), 401, "{shape}");
        assert_eq!(call().header("apikey", "wrong").send().await.unwrap().status(), 401, "{shape}");
        let with = call().header("apikey", KEY).bearer_auth(KEY).header("cookie", "a=b");
        let said: Value =
            with.header("idempotency-key", shape).send().await.unwrap().json().await.unwrap();
        assert_eq!((&said["key"], &said["shown"]), (&json!(shape), &json!([])), "{said}");
        if shape == "one" {
            a_task_calls_it(&client, &base).await;
        }
    }
}

/// A task of the developer's gateway calls the service, which is shown nothing of ours.
async fn a_task_calls_it(client: &reqwest::Client, base: &str) {
    let publish = json!({ "name": "t", "code": "module.exports = () => __callHostTool__('counter', 'add', [1]);" });
    let post = |path: &str, body: &Value| {
        client.post(format!("{base}{path}")).json(body).header("apikey", KEY).send()
    };
    assert_eq!(post("/functions/v1/tasks/publish", &publish).await.unwrap().status(), 200);
    let made: Value = post("/task/submit", &json!({ "task_identifier": "t" }))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let at = format!("{base}/task/status/{}", made["taskRunId"]);
    let until = Instant::now() + Duration::from_secs(20);
    let result = loop {
        let row: Value =
            client.get(&at).header("apikey", KEY).send().await.unwrap().json().await.unwrap();
        if row["status"] == "completed" {
            break row["result"].clone();
        }
        assert!(Instant::now() < until, "{row}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((&result["shown"], &result["token"]), (&json!([]), &Value::Null), "{result}");
}

/// What a receiver of webhooks got.
type Got = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// 500 to the first webhook, then 200.
async fn receive(
    State(got): State<Got>,
    headers: HeaderMap,
    body: String,
) -> axum::http::StatusCode {
    let mut got = got.lock().unwrap();
    got.push((headers, body));
    if got.len() == 1 {
        axum::http::StatusCode::INTERNAL_SERVER_ERROR
    } else {
        axum::http::StatusCode::OK
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_signed_and_go_where_they_may() {
    let got = Got::default();
    let routes = Router::new().route("/hooks/1", post(receive)).with_state(got.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let receiver = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let dir = folder("webhook");
    let port = free_port().unwrap();
    let args: Vec<String> = ["--port", &port.to_string(), "--allow", &format!("{receiver}/hooks/")]
        .iter()
        .map(|a| (*a).to_owned())
        .collect();
    let secret = env(&[("TASKER_WEBHOOK_SECRET", &format!("whsec_{SECRET}"))]);
    let mut service = Process::spawn("wrappedwebhook", &args, &secret, &dir).unwrap();
    let url = format!("http://127.0.0.1:{port}/wrappedwebhook");
    service.ready(&format!("{url}/health")).await.unwrap();
    let env = env(&[("TASKER_SERVICES", &format!("wrappedwebhook={url}"))]);
    let stack = Stack::start(Shape::One, &dir, &env).await.unwrap();
    let code = "module.exports = async ({ to }) => { const send = (url, body) => __callHostTool__('webhook', 'send', [{ url, body, headers: { 'x-own': 'yes' } }], { retry: { attempts: 3, backoffMs: 10 } }); \
        const first = await send(to + '/hooks/1', { id: 1, 'é': [true] }); \
        try { await send(to + '/elsewhere', {}); } catch (e) { return [first, e.status, e.message]; } };";
    let row = stack.run("hook", code, json!({ "to": receiver })).await.unwrap();
    assert_eq!(row["result"][0], json!({ "status": 200, "body": "" }), "{row}\n{}", stack.logs());
    assert_eq!(row["result"][1], 403, "{row}");
    assert!(row["result"][2].as_str().unwrap().contains("TASKER_WEBHOOK_ALLOW"), "{row}");

    let got = got.lock().unwrap();
    assert_eq!(got.len(), 2, "once more after the 500, and not elsewhere");
    let text = |i: usize, name: &str| got[i].0[name].to_str().unwrap().to_owned();
    assert_eq!(text(0, "webhook-id"), text(1, "webhook-id"), "the receiver can tell a repeat");
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &STANDARD.decode(SECRET).unwrap());
    for (i, (_, body)) in got.iter().enumerate() {
        let signed = format!("{}.{}.{body}", text(i, "webhook-id"), text(i, "webhook-timestamp"));
        let signature = text(i, "webhook-signature");
        let tag = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
        ring::hmac::verify(&key, signed.as_bytes(), &tag).unwrap();
        assert!(ring::hmac::verify(&key, format!("{signed} ").as_bytes(), &tag).is_err());
        assert_eq!((body.as_str(), text(i, "x-own").as_str()), (r#"{"id":1,"é":[true]}"#, "yes"));
    }
}
