//! Clients see runs of their own; the gate says who they are.

use crate::common;

use axum::{Router, body::Body};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{Answer, send};
use http::{HeaderMap, Request};
use serde_json::{Value, json};
use tasker_http::{Gate, GateArgs, Peers};
use tasks::{State, TasksArgs, router};

const SECRET: &str = "a-secret-for-tests-with-at-least-32-characters";

/// A token as GoTrue signs it.
fn token(claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let text = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, text.as_bytes()));
    format!("{text}.{signature}")
}

fn user(name: &str, more: Value) -> String {
    let mut claims = json!({
        "sub": name, "role": "authenticated", "aud": "authenticated", "exp": 4_000_000_000_u64,
    });
    if let (Some(claims), Value::Object(more)) = (claims.as_object_mut(), more) {
        claims.extend(more);
    }
    token(&claims)
}

fn role(name: &str) -> String {
    token(&json!({ "role": name, "iss": "supabase", "exp": 4_000_000_000_u64 }))
}

async fn app(args: TasksArgs) -> Router {
    tasker_http::install_crypto();
    let store = tasker_store::connect("sqlite::memory:").await.unwrap();
    store.publish("hello", "module.exports = async (input) => input;", None).await.unwrap();
    let gate = GateArgs {
        jwt_secret: Some(SECRET.into()),
        service_role_key: Some(role("service_role").as_str().into()),
        ..GateArgs::default()
    };
    let gate = Gate::new(&gate, [127, 0, 0, 1].into()).unwrap();
    // Nobody hears the trigger; that is no matter here.
    let peers = Peers::at("http://127.0.0.1:9", Default::default(), None).unwrap();
    let routes = tasker_http::mount("tasks", router(State::new(store, peers).with(&args)));
    tasker_http::with_gate(routes, gate)
}

fn args() -> TasksArgs {
    TasksArgs { max_open_runs: 0, max_open_runs_per_owner: 0, tenant_claim: None }
}

async fn ask(app: &Router, who: &str, method: &str, path: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("/functions/v1/tasks{path}"))
        .header("authorization", format!("Bearer {who}"))
        .body(Body::from(body.to_owned()));
    send(app, request.unwrap()).await
}

async fn submit(app: &Router, who: &str) -> Answer {
    ask(app, who, "POST", "/execute", r#"{"task_identifier":"hello","input":{}}"#).await
}

fn id(answer: &Answer) -> i64 {
    answer.json()["data"]["result"]["taskRunId"].as_i64().expect("a run's number")
}

fn listed(answer: &Answer) -> Vec<i64> {
    let runs = answer.json()["data"]["task_runs"].as_array().cloned().unwrap_or_default();
    runs.iter().filter_map(|run| run["id"].as_i64()).collect()
}

fn retry_after(headers: &HeaderMap) -> bool {
    headers.contains_key("retry-after")
}

#[tokio::test]
async fn everybody_reads_their_own_runs() {
    let app = app(args()).await;
    let (ada, eve) = (user("ada", json!({})), user("eve", json!({})));
    let (anon, service) = (role("anon"), role("service_role"));
    let all = [&ada, &eve, &anon, &service];
    let mut runs = Vec::new();
    for who in all {
        runs.push(id(&submit(&app, who).await));
    }
    for (reader, who) in all.iter().enumerate() {
        for (writer, run) in runs.iter().enumerate() {
            let may = reader == writer || reader == 3;
            for path in [
                format!("/status/{run}"),
                format!("/status?id={run}"),
                format!("/status?taskRunId={run}"),
                format!("/logs?task_id={run}"),
                format!("/logs?id={run}"),
            ] {
                let answer = ask(&app, who, "GET", &path, "").await;
                assert_eq!(
                    answer.status.as_u16(),
                    if may { 200 } else { 404 },
                    "{reader} {writer} {path}"
                );
                assert!(
                    !answer.text.contains("\"owner\""),
                    "the body is as it was: {}",
                    answer.text
                );
            }
            // Not told from a run that does not exist, but for its number.
            if !may {
                let other = ask(&app, who, "GET", &format!("/status/{run}"), "").await.text;
                let none = ask(&app, who, "GET", "/status/999999", "").await.text;
                assert_eq!(other.replace(&run.to_string(), "999999"), none);
            }
        }
        let own = listed(&ask(&app, who, "GET", "/status", "").await);
        let expected =
            if reader == 3 { runs.iter().rev().copied().collect() } else { vec![runs[reader]] };
        assert_eq!(own, expected);
    }
    for path in ["/runs", "/list", "/attention"] {
        assert_eq!(ask(&app, &ada, "GET", path, "").await.status, 403, "{path}");
        assert_eq!(ask(&app, &service, "GET", path, "").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_owner_has_room_for_so_many() {
    let app = app(TasksArgs { max_open_runs_per_owner: 2, ..args() }).await;
    let (ada, eve) = (user("ada", json!({})), user("eve", json!({})));
    for _ in 0..2 {
        assert_eq!(submit(&app, &ada).await.status, 200);
    }
    let full = submit(&app, &ada).await;
    assert!(full.status == 429 && retry_after(&full.headers), "{}", full.text);
    assert!(
        full.json()["error"].as_str().is_some_and(|e| e.contains("2 of your runs")),
        "{}",
        full.text
    );
    assert_eq!(submit(&app, &eve).await.status, 200);
    for _ in 0..3 {
        assert_eq!(submit(&app, &role("service_role")).await.status, 200, "nobody's runs");
    }
}

#[tokio::test]
async fn a_tenant_is_counted_as_one() {
    let claim = Some("app_metadata.org_id".to_owned());
    let app = app(TasksArgs { max_open_runs_per_owner: 2, tenant_claim: claim, ..args() }).await;
    let of = |name, org: &str| user(name, json!({ "app_metadata": { "org_id": org } }));
    let first = id(&submit(&app, &of("ada", "acme")).await);
    assert_eq!(submit(&app, &of("bob", "acme")).await.status, 200);
    assert_eq!(submit(&app, &of("cyd", "acme")).await.status, 429);
    assert_eq!(submit(&app, &of("cyd", "other")).await.status, 200);
    // A user who is called like the tenant is another.
    assert_eq!(submit(&app, &user("acme", json!({}))).await.status, 200);
    // Counted together, read apart.
    let path = format!("/status/{first}");
    assert_eq!(ask(&app, &of("bob", "acme"), "GET", &path, "").await.status, 404);
    assert_eq!(ask(&app, &of("ada", "acme"), "GET", &path, "").await.status, 200);
}
