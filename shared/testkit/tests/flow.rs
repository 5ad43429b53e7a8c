//! Flows on the real processes: killed at every transition, refused, resumed, forgotten.

use crate::fetch_web;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use fetch_web::Web;
use serde_json::{Value, json};
use tasker_testkit::{
    pg,
    stack::{Shape, Stack},
};

const ORDER: &str = include_str!("../../../taskcode/flows/order.json");
/// Succeeds at the third try.
const CHARGE: &str = "module.exports = async ({ order, try: n }) => { \
    await new Promise((done) => setTimeout(done, 250)); \
    if (n < 3) throw new Error(`declined at try ${n}`); return { receipt: `${order}-${n}` }; };";
const PICK: &str = "module.exports = async ({ order }) => { \
    await new Promise((done) => setTimeout(done, 1500)); return { parcel: `parcel of ${order}` }; };";

async fn stack(shape: Shape, name: &str, web: &Web) -> Stack {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("flow-{name}"));
    let _ = std::fs::remove_dir_all(&dir);
    let env = [("TASKER_FETCH_ALLOW_PRIVATE".to_owned(), web.allowed())];
    let stack = Stack::start(shape, &dir, &env).await.unwrap();
    stack.publish("charge-card", CHARGE).await.unwrap();
    stack.publish("pick-items", PICK).await.unwrap();
    // The same flow with delays that a test can wait for.
    let quick = ORDER.replace("\"2h\"", "\"400ms\"").replace("\"30s\"", "\"400ms\"");
    let flow: Value = serde_json::from_str(&quick).unwrap();
    let (status, reply) = stack.post("tasks/flows", &json!({ "flow": flow })).await.unwrap();
    assert_eq!((status, &reply["data"]["name"]), (200, &json!("order")), "{reply}");
    stack
}

fn input(web: &Web) -> Value {
    json!({ "order": "A7", "amount": 1200, "hook": format!("{}/slow?ms=250", web.a) })
}

async fn execute(stack: &Stack, input: &Value) -> i64 {
    let body = json!({ "name": "order", "input": input });
    let (status, reply) = stack.post("tasks/flows/execute", &body).await.unwrap();
    assert_eq!(status, 200, "{reply}");
    reply["data"]["taskRunId"].as_i64().unwrap()
}

async fn get(stack: &Stack, run: i64) -> Value {
    let (status, reply) = stack.get(&format!("tasks/flows/{run}")).await.unwrap();
    assert_eq!(status, 200, "{reply}");
    reply["data"].clone()
}

async fn killed_at_every_transition(mut stack: Stack, web: &Web) {
    let calm = execute(&stack, &input(web)).await;
    let calm_row = stack.ended(calm, Duration::from_secs(30)).await.unwrap();
    let expected =
        json!({ "order": "A7", "receipt": "A7-3", "parcel": "parcel of A7", "tries": 3 });
    assert_eq!(calm_row["result"], expected, "{calm_row}\n{}", stack.logs());
    let calm = get(&stack, calm).await;

    let began = Instant::now();
    let run = execute(&stack, &input(web)).await;
    let (mut seen, mut kills) = (0, 0);
    loop {
        let now = get(&stack, run).await;
        let history = now["history"].as_array().unwrap().len();
        if now["status"] != "running" {
            break;
        }
        if history > seen {
            seen = history;
            kills += 1;
            stack.kill_all_and_restart().await.unwrap();
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{now}\n{}", stack.logs());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let row = stack.ended(run, Duration::from_secs(30)).await.unwrap();
    assert_eq!(row["result"], expected, "{row}\n{}", stack.logs());
    let killed = get(&stack, run).await;
    // The parts of the parallel state may end in another order.
    let sorted = |flow: &Value| {
        let mut states: Vec<String> =
            flow["history"].as_array().unwrap().iter().map(|h| h["state"].to_string()).collect();
        states.sort();
        states
    };
    assert_eq!(sorted(&killed), sorted(&calm));
    println!(
        "{} states entered, {kills} kills, {:?}",
        killed["history"].as_array().unwrap().len(),
        began.elapsed()
    );
    // Eight steps come before the last, with which the run ends. On a busy machine a restart may
    // take as long as what the next step waits for, and two are seen as one.
    assert!(kills >= 6, "{kills} kills");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_killed_at_every_transition_on_sqlite() {
    let web = Web::start().await;
    let stack = stack(Shape::One, "one", &web).await;
    killed_at_every_transition(stack, &web).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_killed_at_every_transition_on_postgres() {
    let web = Web::start().await;
    let server = pg::Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let stack = stack(Shape::Six(database.url().to_owned()), "six", &web).await;
    killed_at_every_transition(stack, &web).await;
}

/// Runs a flow that is not published.
async fn once(stack: &Stack, flow: Value, input: Value) -> Value {
    let body = json!({ "flow": flow, "input": input });
    let (status, reply) = stack.post("tasks/flows/execute", &body).await.unwrap();
    assert_eq!(status, 200, "{reply}");
    let run = reply["data"]["taskRunId"].as_i64().unwrap();
    stack.ended(run, Duration::from_secs(20)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_flows_do() {
    let web = Web::start().await;
    let mut stack = stack(Shape::One, "rules", &web).await;
    // The other branches of the same flow.
    let cheap = json!({ "order": "B", "amount": 1, "hook": format!("{}/mirror", web.a) });
    let cheap = execute(&stack, &cheap).await;
    let row = stack.ended(cheap, Duration::from_secs(20)).await.unwrap();
    assert_eq!(row["result"]["tries"], 3, "{row}");
    let visited = get(&stack, cheap).await["history"].to_string();
    assert!(!visited.contains("review") && visited.contains("fulfil.pack.pick"), "{visited}");

    // A host call, guards, operators, an unhandled error, a timeout around states, a machine's output.
    let call = json!({ "id": "call", "initial": "ask", "context": { "n": 1, "seen": [] }, "output": { "n": "$.context.n", "seen": "$.context.seen", "end": "$.event.output" }, "states": {
        "ask": { "invoke": { "src": { "service": "gapi", "method": "echo", "args": [{ "n": "$.context.n", "money": "$$5" }] },
            "onDone": [{ "guard": { "$lt": ["$.context.n", 3] }, "target": "ask", "assign": { "n": { "$add": ["$.context.n", 1] }, "seen": { "$append": ["$.context.seen", "$.event.output.echo"] } } }, "end"] } },
        "end": { "type": "final", "output": { "$concat": ["done after ", "$.context.n"] } } } });
    let row = once(&stack, call, json!({})).await;
    let seen = json!([{ "n": 1, "money": "$5" }, { "n": 2, "money": "$5" }]);
    assert_eq!(row["result"], json!({ "n": 3, "seen": seen, "end": "done after 3" }), "{row}");

    let fails = json!({ "id": "fails", "initial": "a", "states": { "a": { "invoke": { "src": "charge-card", "input": { "order": "x", "try": 1 }, "onDone": "b" } }, "b": { "type": "final" } } });
    let row = once(&stack, fails, json!({})).await;
    assert_eq!(
        (&row["status"], row["error"]["message"].as_str().unwrap().contains("declined at try 1")),
        (&json!("failed"), true),
        "{row}"
    );

    let slow = json!({ "id": "slow", "initial": "work", "states": {
        "work": { "initial": "get", "after": { "200": "late" }, "onDone": "end", "states": {
            "get": { "invoke": { "src": { "fetch": "$.input.url" }, "onDone": { "target": "got", "assign": { "body": "$.event.output.body" } } } }, "got": { "type": "final" } } },
        "late": { "type": "final", "output": "too late" }, "end": { "type": "final", "output": "$.context.body" } } });
    let began = Instant::now();
    let row =
        once(&stack, slow.clone(), json!({ "url": format!("{}/slow?ms=15000", web.a) })).await;
    assert_eq!(row["result"], "too late", "{row}");
    assert!(began.elapsed() < Duration::from_secs(10), "the request was not given up");
    let row = once(&stack, slow, json!({ "url": format!("{}/json", web.a) })).await;
    assert_eq!(row["result"], json!({ "a": [1, 2, { "b": null }] }), "{row}");

    let spin = json!({ "id": "spin", "initial": "a", "states": { "a": { "always": "b" }, "b": { "always": "a" } } });
    let row = once(&stack, spin, json!({})).await;
    assert!(
        row["error"]["message"].as_str().unwrap().contains("1000 states without waiting"),
        "{row}"
    );

    // Refused, with every place.
    let wrong = json!({ "flow": { "id": "w", "initial": "x", "states": { "a": {} } } });
    let (status, reply) = stack.post("tasks/flows", &wrong).await.unwrap();
    assert_eq!((status, reply["problems"].as_array().map(Vec::len)), (400, Some(2)), "{reply}");
    let (status, reply) =
        stack.post("tasks/flows/execute", &json!({ "name": "nope" })).await.unwrap();
    assert_eq!(status, 404, "{reply}");

    // Where a flow is, and how it is stopped, resumed and forgotten.
    let wait = json!({ "id": "wait", "initial": "long", "states": { "long": { "after": { "1h": "end" } }, "end": { "type": "final" } } });
    let (_, reply) = stack.post("tasks/flows/execute", &json!({ "flow": wait })).await.unwrap();
    let run = reply["data"]["taskRunId"].as_i64().unwrap();
    while get(&stack, run).await["state"] != json!(["long"]) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stack.post("tasks/pause", &json!({ "taskRunId": run })).await.unwrap();
    assert_eq!(get(&stack, run).await["status"], "paused");
    let (status, _) = stack.post("tasks/flows/resume", &json!({ "taskRunId": run })).await.unwrap();
    assert_eq!((status, &get(&stack, run).await["status"]), (200, &json!("running")));
    stack.kill_all_and_restart().await.unwrap();
    assert_eq!(get(&stack, run).await["state"], json!(["long"]));
    let client = reqwest::Client::new();
    let url = format!("{}/tasks/flows/{run}", stack.url);
    let gone = client.delete(&url).send().await.unwrap();
    assert_eq!(gone.status(), 200);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 404);
    assert_eq!(client.delete(&url).send().await.unwrap().status(), 404);
}
