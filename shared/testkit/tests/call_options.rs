//! `__callHostTool__(service, path, args, { retry, timeoutMs, idempotencyKey })` against a service
//! that fails as it is told to, and counts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use serde_json::{Value, json};
use tasker_testkit::stack::{Shape, Stack};

/// Requests by the method that was called: when, and with which key.
type Seen = Arc<Mutex<HashMap<String, Vec<(Instant, String)>>>>;

/// Answers by the method's name: `busy` is 503 twice, `broken` is 500 always, `later` is 429 with
/// Retry-After once, `slow` hangs once.
async fn flaky(
    State(seen): State<Seen>,
    headers: axum::http::HeaderMap,
    Json(body): Json<Value>,
) -> axum::response::Response {
    let method = body["chain"][0]["property"].as_str().unwrap_or_default().to_owned();
    let key = headers["idempotency-key"].to_str().unwrap_or_default().to_owned();
    let count = {
        let mut seen = seen.lock().unwrap();
        let requests = seen.entry(method.clone()).or_default();
        requests.push((Instant::now(), key));
        requests.len()
    };
    match (method.as_str(), count) {
        ("busy" | "once", 1..=2) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        ("broken", _) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        ("later", 1) => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response(),
        ("slow" | "lost", 1) => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            StatusCode::OK.into_response()
        }
        _ => Json(json!({ "after": count })).into_response(),
    }
}

async fn stack(name: &str) -> (Stack, Seen) {
    let seen = Seen::default();
    let routes = Router::new().route("/", post(flaky)).with_state(seen.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let urls = format!("wrappedflaky={url},wrappedgone=http://127.0.0.1:9");
    let env = [("TASKER_SERVICE_URLS".to_owned(), urls)];
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    (Stack::start(Shape::One, &dir, &env).await.unwrap(), seen)
}

/// Runs one call; answers how its run ended.
async fn call(stack: &Stack, service: &str, method: &str, options: &str) -> Value {
    let code =
        format!("module.exports = () => __callHostTool__('{service}', '{method}', [], {options});");
    stack.run(&format!("{service}-{method}"), &code, json!({})).await.unwrap()
}

fn requests(seen: &Seen, method: &str) -> Vec<(Instant, String)> {
    seen.lock().unwrap().get(method).cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_that_pass_are_tried_again_as_the_call_says() {
    let (stack, seen) = stack("call-options").await;
    let row = call(&stack, "wrappedflaky", "busy", "{ retry: { backoffMs: 10 } }").await;
    assert_eq!(row["result"], json!({ "after": 3 }), "{row}");
    // The same request each time: a service that remembers keys can tell.
    let keys: Vec<_> = requests(&seen, "busy").into_iter().map(|(_, key)| key).collect();
    assert!(keys[0].starts_with("sr-") && keys.iter().all(|k| *k == keys[0]), "{keys:?}");

    let row = call(&stack, "wrappedflaky", "once", "{ retry: false }").await;
    assert_eq!((&row["status"], &row["error"]["status"]), (&json!("failed"), &json!(503)));
    assert_eq!(requests(&seen, "once").len(), 1);

    let own = "{ retry: { attempts: 3, backoffMs: 10, statuses: [500] } }";
    let row = call(&stack, "wrappedflaky", "broken", own).await;
    assert_eq!(row["error"]["status"], 500, "{row}");
    assert_eq!(requests(&seen, "broken").len(), 3);

    let row = call(&stack, "wrappedflaky", "later", "{ retry: { backoffMs: 1 } }").await;
    let at: Vec<_> = requests(&seen, "later").into_iter().map(|(at, _)| at).collect();
    assert_eq!(row["status"], "completed", "{row}");
    assert!(at[1] - at[0] >= Duration::from_secs(1), "Retry-After was not honoured");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_says_how_its_calls_are_made() {
    let (stack, seen) = stack("call-defaults").await;
    let task = |options: &str| {
        format!(
            "module.exports = () => __callHostTool__('wrappedflaky', 'broken', []); \
             module.exports.callOptions = {options};"
        )
    };
    let own = task("{ retry: { attempts: 3, backoffMs: 10, statuses: [500] } }");
    let row = stack.run("task-options", &own, json!({})).await.unwrap();
    assert_eq!((&row["status"], requests(&seen, "broken").len()), (&json!("failed"), 3), "{row}");
    let module = "export const callOptions = { retry: false }; \
        export default () => __callHostTool__('wrappedflaky', 'once', []);";
    let row = stack.run("module-options", module, json!({})).await.unwrap();
    assert_eq!((&row["error"]["status"], requests(&seen, "once").len()), (&json!(503), 1), "{row}");
    let row = stack.run("wrong-options", &task("{ retires: 3 }"), json!({})).await.unwrap();
    let said = row["error"]["message"].as_str().unwrap();
    assert!(said.contains("callOptions of the task: unknown field `retires`"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_a_key_is_repeated_after_a_timeout_and_one_without_is_not() {
    let (stack, seen) = stack("call-keys").await;
    let keyed = "{ timeoutMs: 200, idempotencyKey: 'order 17', retry: { backoffMs: 10 } }";
    let row = call(&stack, "wrappedflaky", "slow", keyed).await;
    assert_eq!(row["result"], json!({ "after": 2 }), "{row}");
    let keys: Vec<_> = requests(&seen, "slow").into_iter().map(|(_, key)| key).collect();
    assert_eq!(keys, ["order 17", "order 17"]);

    // Nobody knows what became of it: it is asked once and then waits for a person.
    let code = "module.exports = () => \
        __callHostTool__('wrappedflaky', 'lost', [], { timeoutMs: 200 });";
    stack.publish("lost", code).await.unwrap();
    let run = stack.submit("lost", json!({})).await.unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let (_, row) = stack.get(&format!("tasks/status/{run}")).await.unwrap();
        let waits = |r: &Value| r["status"] == "needs_attention";
        if row["stack_runs"].as_array().is_some_and(|rows| rows.iter().any(waits)) {
            break;
        }
        assert!(Instant::now() < until, "{row}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(requests(&seen, "lost").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_are_wrong_say_so_in_task_code() {
    let (stack, seen) = stack("call-wrong").await;
    let code = "module.exports = async () => { try { \
        await __callHostTool__('wrappedflaky', 'x', [], { retires: 2 }); \
        } catch (e) { return [e.name, e.message]; } };";
    let row = stack.run("typo", code, json!({})).await.unwrap();
    assert_eq!(row["result"][0], "TypeError", "{row}");
    assert!(row["result"][1].as_str().unwrap().contains("unknown field `retires`"), "{row}");
    assert!(requests(&seen, "x").is_empty());

    let row = call(&stack, "wrappedgone", "x", "{ retry: { attempts: 3, backoffMs: 10 } }").await;
    assert_eq!(row["error"]["name"], "ServiceUnavailable", "{row}");
}
