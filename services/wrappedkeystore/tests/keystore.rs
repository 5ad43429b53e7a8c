//! Every action in every form, and what is refused.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic like the tests themselves")]

use axum::Router;
use serde_json::{Value, json};
use tasker_testkit::app::{Answer, request};
use wrappedkeystore::{State, router};

const AT: &str = "/functions/v1/wrappedkeystore";

async fn app() -> Router {
    let store = tasker_store::connect("sqlite::memory:").await.unwrap();
    tasker_http::with_layers(tasker_http::mount("wrappedkeystore", router(State::new(store))))
}

async fn post(app: &Router, body: Value) -> Answer {
    request(app, "POST", AT, &body.to_string()).await
}

/// The value inside both envelopes.
async fn action(app: &Router, body: Value) -> Value {
    let answer = post(app, body.clone()).await;
    let envelope = answer.json();
    assert_eq!(answer.status, 200, "{body}: {envelope}");
    assert!(envelope["success"] == true && envelope["data"]["success"] == true, "{envelope}");
    assert!(envelope["timestamp"].is_string());
    let metadata = &envelope["data"]["metadata"];
    assert!(metadata["timestamp"].is_string() && metadata["duration"].is_u64(), "{metadata}");
    assert!(metadata["requestId"].is_string() && metadata["version"].is_string(), "{metadata}");
    envelope["data"]["data"].clone()
}

async fn chain(app: &Router, method: &str, args: Value) -> Value {
    let answer = post(app, json!({"chain": [{"property": method, "args": args}]})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let same = post(app, json!({"method": method, "args": args})).await;
    assert!(same.text == answer.text || method == "getServerTime" || method == "deleteKey");
    answer.json()
}

#[tokio::test]
async fn actions() {
    let app = app().await;
    let cases = [
        (json!({"action": "getKey", "key": "a"}), json!(null)),
        (json!({"action": "hasKey", "key": "a"}), json!(false)),
        (json!({"action": "setKey", "key": "a", "value": "1"}), json!(true)),
        (json!({"action": "getKey", "key": "a"}), json!("1")),
        (
            json!({"action": "setKey", "namespace": "n", "key": "a", "value": {"x": [1]}}),
            json!(true),
        ),
        (json!({"action": "getKey", "namespace": "n", "key": "a"}), json!("{\"x\":[1]}")),
        (json!({"action": "getKey", "namespace": "other", "key": "a"}), json!("1")),
        (json!({"action": "getKey", "namespace": null, "key": "a"}), json!("1")),
        (json!({"action": "hasKey", "namespace": "other", "key": "a"}), json!(true)),
        (json!({"action": "setKey", "key": "b", "value": ""}), json!(true)),
        (json!({"action": "hasKey", "key": "b"}), json!(true)),
        (json!({"action": "listKeys"}), json!(["a", "b"])),
        (json!({"action": "listKeys", "namespace": "n"}), json!(["a"])),
        (json!({"action": "listKeys", "namespace": "none"}), json!([])),
        (json!({"action": "listNamespaces"}), json!(["global", "n"])),
        (json!({"action": "deleteKey", "namespace": "n", "key": "a"}), json!(true)),
        (json!({"action": "deleteKey", "namespace": "n", "key": "a"}), json!(false)),
        (json!({"action": "getKey", "namespace": "n", "key": "a"}), json!("1")),
    ];
    for (body, value) in cases {
        assert_eq!(action(&app, body.clone()).await, value, "{body}");
    }
    assert_eq!(action(&app, json!({"action": "getServerTime"})).await["source"], "keystore");
}

#[tokio::test]
async fn chains_and_methods_answer_the_bare_value() {
    let app = app().await;
    let cases = [
        ("setKey", json!(["default", "API_KEY", "secret"]), json!(true)),
        ("getKey", json!(["default", "API_KEY"]), json!("secret")),
        ("getKey", json!(["API_KEY"]), json!(null)),
        ("setKey", json!([null, "k", 12.50]), json!(true)),
        ("getKey", json!(["k"]), json!("12.5")),
        ("hasKey", json!(["default", "k"]), json!(true)),
        ("listKeys", json!(["default"]), json!(["API_KEY"])),
        ("listKeys", json!([]), json!(["k"])),
        ("listNamespaces", json!([]), json!(["default", "global"])),
        ("deleteKey", json!(["k"]), json!(true)),
    ];
    for (method, args, value) in cases {
        assert_eq!(chain(&app, method, args.clone()).await, value, "{method} {args}");
    }
    assert!(chain(&app, "getServerTime", json!([])).await["timestamp"].is_string());
}

#[tokio::test]
async fn what_is_refused_names_the_field() {
    let app = app().await;
    let long = "x".repeat(256);
    let cases = [
        ("", 400, "empty"),
        ("{", 400, "Request parsing error"),
        ("[]", 400, "Request parsing error"),
        ("{}", 400, "'action', 'chain' or 'method'"),
        (r#"{"action":7}"#, 400, "'action'"),
        (r#"{"action":"getKey"}"#, 400, "'key'"),
        (r#"{"action":"getKey","key":null}"#, 400, "'key'"),
        (r#"{"action":"getKey","key":""}"#, 400, "'key'"),
        (r#"{"action":"getKey","key":7}"#, 400, "'key'"),
        (r#"{"action":"getKey","key":"a\u0000"}"#, 400, "'key'"),
        (&format!(r#"{{"action":"getKey","key":"{long}"}}"#), 400, "'key'"),
        (r#"{"action":"getKey","key":"k","namespace":[]}"#, 400, "'namespace'"),
        (r#"{"action":"setKey","key":"k"}"#, 400, "'value'"),
        (r#"{"action":"setKey","key":"k","value":null}"#, 400, "'value'"),
        (r#"{"action":"setKey","key":"k","value":"\u0000"}"#, 400, "'value'"),
        (r#"{"action":"dropKeys"}"#, 404, "dropKeys; there are getKey, setKey"),
        (r#"{"chain":{}}"#, 400, "'chain'"),
        (r#"{"chain":[]}"#, 400, "'chain'"),
        (r#"{"chain":[{"property":"a"},{"property":"b"}]}"#, 400, "'chain'"),
        (r#"{"chain":[{"property":"getKey","args":"k"}]}"#, 400, "'chain'"),
        (r#"{"chain":[{"property":"getKey"}]}"#, 400, "'key'"),
        (r#"{"chain":[{"property":"fly"}]}"#, 404, "Unknown method: fly"),
        (r#"{"method":"fly"}"#, 404, "Unknown method: fly"),
        (r#"{"method":7}"#, 400, "'method'"),
        (r#"{"method":"getKey","args":"k"}"#, 400, "'args'"),
        (r#"{"method":"setKey","args":["k","v"]}"#, 400, "'value'"),
        (r#"{"method":"getKey","args":["GAPI_KEY"]}"#, 403, "read by wrappedgapi alone"),
    ];
    for (body, status, names) in cases {
        let answer = request(&app, "POST", AT, body).await;
        assert_eq!(answer.status, status, "{body}");
        let value = answer.json();
        let bare = body.contains("chain") || body.contains("method");
        let message = if bare { &value["error"]["message"] } else { &value["error"] };
        assert!(message.as_str().unwrap().contains(names), "{body}: {value}");
        assert!(bare || value["success"] == false, "{value}");
    }
}

#[tokio::test]
async fn values_never_appear_in_refusals() {
    let app = app().await;
    let body = json!({"action": "setKey", "key": "", "value": "hush-hush"});
    assert!(!post(&app, body).await.text.contains("hush"));
    let broken = request(&app, "POST", AT, r#"{"action":"setKey","value":"hush-hush" x}"#).await;
    assert!(!broken.text.contains("hush"));
}

#[tokio::test]
async fn paths_and_methods() {
    let app = app().await;
    let body = r#"{"action":"hasKey","key":"k"}"#;
    for at in
        ["/functions/v1/wrappedkeystore", "/functions/v1/wrappedkeystore/", "/wrappedkeystore"]
    {
        assert_eq!(
            request(&app, "GET", &format!("{}/health", at.trim_end_matches('/')), "").await.json()
                ["status"],
            "healthy"
        );
        assert_eq!(request(&app, "POST", at, body).await.status, 200, "{at}");
    }
    assert_eq!(request(&app, "POST", &format!("{AT}/any/path"), body).await.status, 200);
    assert_eq!(
        request(&app, "GET", &format!("{AT}/nowhere"), "").await.json()["error"],
        "Not found"
    );
    assert_eq!(request(&app, "PUT", AT, body).await.status, 405);
    assert_eq!(request(&app, "DELETE", &format!("{AT}/x"), body).await.status, 405);
    let preflight = request(&app, "OPTIONS", AT, "").await;
    assert_eq!(preflight.headers["access-control-allow-origin"], "*");
}
