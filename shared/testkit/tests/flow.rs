//! Flows on the real processes: killed at every transition, refused, resumed, forgotten.

use crate::fetch_web;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fetch_web::Web;
use serde_json::{Value, json};
use tasker_core::{TaskRun, TaskRunId, json as text};
use tasker_store::NewRun;
use tasker_testkit::{
    pg,
    process::Process,
    stack::{Shape, Stack},
};

const ORDER: &str = include_str!("../../../taskcode/flows/order.json");
/// Succeeds at the third try.
const CHARGE: &str = "module.exports = async ({ order, try: n }) => { \
    await new Promise((done) => setTimeout(done, 250)); \
    if (n < 3) throw new Error(`declined at try ${n}`); return { receipt: `${order}-${n}` }; };";
const PICK: &str = "module.exports = async ({ order }) => { \
    await new Promise((done) => setTimeout(done, 1500)); return { parcel: `parcel of ${order}` }; };";

fn allow(web: &Web) -> (String, String) {
    ("TASKER_FETCH_ALLOW_PRIVATE".to_owned(), web.allowed())
}

fn folder(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("flow-{name}"));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

/// Publishes the flow and what it calls.
async fn publish(stack: &Stack) {
    stack.publish("charge-card", CHARGE).await.unwrap();
    stack.publish("pick-items", PICK).await.unwrap();
    // The same flow with delays that a test can wait for.
    let quick = ORDER.replace("\"2h\"", "\"400ms\"").replace("\"30s\"", "\"400ms\"");
    let flow: Value = serde_json::from_str(&quick).unwrap();
    let (status, reply) = stack.post("tasks/flows", &json!({ "flow": flow })).await.unwrap();
    assert_eq!((status, &reply["data"]["name"]), (200, &json!("order")), "{reply}");
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

/// A run's row, and the states in the order in which it entered them, those of one commit together:
/// what code logs in one turn is of one moment.
async fn seen(database: &str, run: TaskRunId) -> (TaskRun, Vec<Vec<String>>) {
    let store = tasker_store::connect(database).await.unwrap();
    let row = store.run(run).await.unwrap().unwrap();
    let mut commits: Vec<(i64, Vec<String>)> = Vec::new();
    for line in store.logs(run, 1_000).await.unwrap() {
        let Some(state) = line.message.strip_prefix("flow: enter ") else { continue };
        match commits.last_mut() {
            Some((at, states)) if *at == line.at_ms => states.push(state.to_owned()),
            _ => commits.push((line.at_ms, vec![state.to_owned()])),
        }
    }
    (row, commits.into_iter().map(|(_, states)| states).collect())
}

/// Starts tasker, waits until a process of it ends itself, and ends the others.
async fn live_once(shape: &Shape, dir: &Path, env: &[(String, String)]) {
    let mut stack = match Stack::start(shape.clone(), dir, env).await {
        Ok(stack) => stack,
        // It had work at once, and died before it could say that it is up.
        Err(error) if format!("{error:#}").contains("SIGABRT") => return,
        Err(error) => panic!("{error:#}"),
    };
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(status) = stack.processes.iter_mut().find_map(Process::exited) {
            return assert!(status.to_string().contains("SIGABRT"), "{status}\n{}", stack.logs());
        }
        assert!(Instant::now() < until, "nothing is done any more\n{}", stack.logs());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// In each of its lives tasker ends itself right after its first commit of a turn of task code, so
/// no life makes two transitions of the flow, and none goes on after one.
async fn killed_at_every_transition(shape: Shape, name: &str, database: &str) {
    let (web, dir) = (Web::start().await, folder(name));
    let mut env = vec![allow(&web)];
    if let Shape::Six(_) = shape {
        let key = tasker_store::MasterKey::generate().unwrap().expose().to_string();
        env.push(("TASKER_MASTER_KEY".into(), key));
    }
    let stack = Stack::start(shape.clone(), &dir, &env).await.unwrap();
    publish(&stack).await;
    let calm = execute(&stack, &input(&web)).await;
    let row = stack.ended(calm, Duration::from_secs(30)).await.unwrap();
    let expected =
        json!({ "order": "A7", "receipt": "A7-3", "parcel": "parcel of A7", "tries": 3 });
    assert_eq!(row["result"], expected, "{row}\n{}", stack.logs());
    drop(stack);
    let (_, calm) = seen(database, TaskRunId(calm)).await;

    let began = Instant::now();
    env.push(("TASKER_FAULT".into(), "kill:advance.after:1".into()));
    let store = tasker_store::connect(database).await.unwrap();
    let order =
        NewRun { name: "order".into(), input: text::of(&input(&web)), code: None, parent: None };
    let run = store.submit(&order).await.unwrap().task_run_id;
    drop(store);
    let (mut before, mut deaths, mut deaths_at_transitions) = (Vec::new(), 0, 0);
    let row = loop {
        live_once(&shape, &dir, &env).await;
        deaths += 1;
        let (row, now) = seen(database, run).await;
        let new = now.len() - before.len();
        assert!(new <= 1 && now.starts_with(&before), "one life made two: {before:?} {now:?}");
        deaths_at_transitions += new;
        before = now;
        if row.status.is_terminal() {
            break row;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{before:?}");
    };
    println!(
        "{} states entered in {deaths_at_transitions} transitions, tasker died at each and {} times more, {:?}",
        before.iter().flatten().count(),
        deaths - deaths_at_transitions,
        began.elapsed()
    );
    assert_eq!(before, calm, "the same states, in the same transitions");
    assert_eq!(deaths_at_transitions, calm.len());
    let result: Value = serde_json::from_str(row.result.unwrap().get()).unwrap();
    assert_eq!(result, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_killed_at_every_transition_on_sqlite() {
    let database = format!("sqlite:{}", folder("one").join("tasker.db").display());
    killed_at_every_transition(Shape::One, "one", &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_killed_at_every_transition_on_postgres() {
    let server = pg::Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let shape = Shape::Six(database.url().to_owned());
    killed_at_every_transition(shape, "six", database.url()).await;
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
    let mut stack = Stack::start(Shape::One, &folder("rules"), &[allow(&web)]).await.unwrap();
    publish(&stack).await;
    other_branches(&stack, &web).await;
    call_with_guards(&stack).await;
    errors(&stack).await;
    timeouts(&stack, &web).await;
    refusals(&stack).await;
    stopped_and_resumed(&mut stack).await;
}

/// The other branches of the published flow.
async fn other_branches(stack: &Stack, web: &Web) {
    let cheap = json!({ "order": "B", "amount": 1, "hook": format!("{}/mirror", web.a) });
    let cheap = execute(stack, &cheap).await;
    let row = stack.ended(cheap, Duration::from_secs(20)).await.unwrap();
    assert_eq!(row["result"]["tries"], 3, "{row}");
    let visited = get(stack, cheap).await["history"].to_string();
    assert!(!visited.contains("review") && visited.contains("fulfil.pack.pick"), "{visited}");
}

/// A host call, guards, operators, a machine's output.
async fn call_with_guards(stack: &Stack) {
    let call = json!({ "id": "call", "initial": "ask", "context": { "n": 1, "seen": [] }, "output": { "n": "$.context.n", "seen": "$.context.seen", "end": "$.event.output" }, "states": {
        "ask": { "invoke": { "src": { "service": "gapi", "method": "echo", "args": [{ "n": "$.context.n", "money": "$$5" }] },
            "onDone": [{ "guard": { "$lt": ["$.context.n", 3] }, "target": "ask", "assign": { "n": { "$add": ["$.context.n", 1] }, "seen": { "$append": ["$.context.seen", "$.event.output.echo"] } } }, "end"] } },
        "end": { "type": "final", "output": { "$concat": ["done after ", "$.context.n"] } } } });
    let row = once(stack, call, json!({})).await;
    let seen = json!([{ "n": 1, "money": "$5" }, { "n": 2, "money": "$5" }]);
    assert_eq!(row["result"], json!({ "n": 3, "seen": seen, "end": "done after 3" }), "{row}");
}

/// An unhandled error, and states that never wait.
async fn errors(stack: &Stack) {
    let fails = json!({ "id": "fails", "initial": "a", "states": { "a": { "invoke": { "src": "charge-card", "input": { "order": "x", "try": 1 }, "onDone": "b" } }, "b": { "type": "final" } } });
    let row = once(stack, fails, json!({})).await;
    assert_eq!(
        (&row["status"], row["error"]["message"].as_str().unwrap().contains("declined at try 1")),
        (&json!("failed"), true),
        "{row}"
    );

    let spin = json!({ "id": "spin", "initial": "a", "states": { "a": { "always": "b" }, "b": { "always": "a" } } });
    let row = once(stack, spin, json!({})).await;
    assert!(
        row["error"]["message"].as_str().unwrap().contains("1000 states without waiting"),
        "{row}"
    );
}

/// A timeout around states.
async fn timeouts(stack: &Stack, web: &Web) {
    let slow = json!({ "id": "slow", "initial": "work", "states": {
        "work": { "initial": "get", "after": { "200": "late" }, "onDone": "end", "states": {
            "get": { "invoke": { "src": { "fetch": "$.input.url" }, "onDone": { "target": "got", "assign": { "body": "$.event.output.body" } } } }, "got": { "type": "final" } } },
        "late": { "type": "final", "output": "too late" }, "end": { "type": "final", "output": "$.context.body" } } });
    let began = Instant::now();
    let row = once(stack, slow.clone(), json!({ "url": format!("{}/slow?ms=15000", web.a) })).await;
    assert_eq!(row["result"], "too late", "{row}");
    assert!(began.elapsed() < Duration::from_secs(10), "the request was not given up");
    let row = once(stack, slow, json!({ "url": format!("{}/json", web.a) })).await;
    assert_eq!(row["result"], json!({ "a": [1, 2, { "b": null }] }), "{row}");
}

/// What is wrong is refused, with every place.
async fn refusals(stack: &Stack) {
    let wrong = json!({ "flow": { "id": "w", "initial": "x", "states": { "a": {} } } });
    let (status, reply) = stack.post("tasks/flows", &wrong).await.unwrap();
    assert_eq!((status, reply["problems"].as_array().map(Vec::len)), (400, Some(2)), "{reply}");
    let (status, reply) =
        stack.post("tasks/flows/execute", &json!({ "name": "nope" })).await.unwrap();
    assert_eq!(status, 404, "{reply}");
}

/// Where a flow is, and how it is stopped, resumed and forgotten.
async fn stopped_and_resumed(stack: &mut Stack) {
    let wait = json!({ "id": "wait", "initial": "long", "states": { "long": { "after": { "1h": "end" } }, "end": { "type": "final" } } });
    let (_, reply) = stack.post("tasks/flows/execute", &json!({ "flow": wait })).await.unwrap();
    let run = reply["data"]["taskRunId"].as_i64().unwrap();
    while get(stack, run).await["state"] != json!(["long"]) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stack.post("tasks/pause", &json!({ "taskRunId": run })).await.unwrap();
    assert_eq!(get(stack, run).await["status"], "paused");
    let (status, _) = stack.post("tasks/flows/resume", &json!({ "taskRunId": run })).await.unwrap();
    assert_eq!((status, &get(stack, run).await["status"]), (200, &json!("running")));
    stack.kill_all_and_restart().await.unwrap();
    assert_eq!(get(stack, run).await["state"], json!(["long"]));
    let client = reqwest::Client::new();
    let url = format!("{}/tasks/flows/{run}", stack.url);
    let gone = client.delete(&url).send().await.unwrap();
    assert_eq!(gone.status(), 200);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 404);
    assert_eq!(client.delete(&url).send().await.unwrap().status(), 404);
}
