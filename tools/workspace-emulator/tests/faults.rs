//! Injected faults, the request log and the other side doors.

use crate::common;

use std::time::{Duration, Instant};

use common::{Fixture, READ, start, start_with};
use reqwest::Method;
use serde_json::{Value, json};
use workspace_emulator::Config;

const PROFILE: &str = "/gmail/v1/users/me/profile";

async fn inject(fixture: &Fixture, rule: Value) {
    fixture.admin(Method::POST, "faults", rule).await;
}

#[tokio::test]
async fn statuses_pages_and_resets_come_as_often_as_told() {
    let fixture = start().await;
    let (user, other) = (fixture.user(1), fixture.user(2));
    let token = fixture.token(&user, READ).await;
    let others = fixture.token(&other, READ).await;
    let rule = json!({ "match": { "user": user }, "times": 2, "status": 429, "retryAfter": 7 });
    inject(&fixture, rule).await;
    assert_eq!(fixture.get(&others, PROFILE).await.0, 200);
    for _ in 0..2 {
        let answer = fixture.call(&token, Method::GET, PROFILE, Value::Null).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (429, &"7".parse().unwrap())
        );
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["errors"][0]["reason"], "rateLimitExceeded");
    }
    assert_eq!(fixture.get(&token, PROFILE).await.0, 200);

    inject(&fixture, json!({ "match": { "path": "/profile" }, "html": true })).await;
    let page = fixture.call(&token, Method::GET, PROFILE, Value::Null).await;
    assert_eq!(page.status(), 502);
    assert!(page.text().await.unwrap().starts_with("<!DOCTYPE html>"));

    inject(&fixture, json!({ "match": { "method": "gmail.*" }, "reset": true })).await;
    let url = format!("{}{PROFILE}", fixture.running.url);
    assert!(fixture.http.get(&url).bearer_auth(&token).send().await.is_err());
    assert_eq!(fixture.get(&token, PROFILE).await.0, 200);
    let log = fixture.admin(Method::GET, "requests", Value::Null).await;
    let statuses: Vec<_> =
        log["requests"].as_array().unwrap().iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429, 200, 502, 0, 200]);
    assert_eq!(log["requests"][0]["method"], "oauth2.token");
    assert_eq!(log["requests"][0]["user"], user);
    let stats = fixture.admin(Method::GET, "stats", Value::Null).await;
    assert_eq!((&stats["tokenRequests"], &stats["apiRequests"]), (&json!(2), &json!(7)));
}

#[tokio::test]
async fn a_lost_answer_leaves_its_effect() {
    let fixture = start().await;
    let token = fixture.token(&fixture.user(1), common::MODIFY).await;
    let rule =
        json!({ "match": { "method": "gmail.users.messages.send" }, "reset": true, "after": true });
    inject(&fixture, rule).await;
    let url = format!("{}/gmail/v1/users/me/messages/send", fixture.running.url);
    let body = json!({ "raw": "VG86IGJAYi5leGFtcGxlDQoNCmhp" }).to_string();
    assert!(fixture.http.post(url).bearer_auth(&token).body(body).send().await.is_err());
    assert_eq!(fixture.running.app().world.effects.log().len(), 1);
}

#[tokio::test]
async fn tokens_fail_by_user_and_headers_fault_one_call() {
    let fixture = start().await;
    let rule =
        json!({ "match": { "method": "oauth2.token", "user": fixture.user(3) }, "status": 503 });
    inject(&fixture, rule).await;
    fixture.token(&fixture.user(2), READ).await;
    let (status, _) = fixture.ask_token(json!({ "sub": fixture.user(3), "scope": READ })).await;
    assert_eq!(status, 503);
    let token = fixture.token(&fixture.user(3), READ).await;
    let url = format!("{}{PROFILE}", fixture.running.url);
    let call = fixture.http.get(url).bearer_auth(&token);
    let call = call.header("X-Emulator-Fault", "status=500; hang_ms=80; reason=backendError");
    let started = Instant::now();
    assert_eq!(call.send().await.unwrap().status(), 500);
    assert!(started.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn nonsense_is_refused_with_its_name() {
    let fixture = start().await;
    for (path, body, named) in [
        ("faults", json!({ "times": 1 }), "status, hang_ms, html, reset"),
        ("faults", json!({ "statsu": 503 }), "statsu"),
        ("faults", json!({ "status": 200 }), "status"),
        ("people", json!({ "suspended": ["nobody@x.example"] }), "nobody@x.example"),
        ("people", json!({ "ill": [] }), "ill"),
    ] {
        let url = format!("{}/_admin/{path}", fixture.running.url);
        let answer = fixture.http.post(url).body(body.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert!(answer.text().await.unwrap().contains(named), "{body}");
    }
}

#[tokio::test]
async fn answers_are_compressed_when_asked_and_slow_when_told() {
    let fixture = start_with(Config { latency_ms: 60, ..Config::default() }).await;
    let token = fixture.token(&fixture.user(1), READ).await;
    let started = Instant::now();
    let url = format!("{}/gmail/v1/users/me/messages", fixture.running.url);
    // A client of its own: the usual one unpacks and hides the encoding.
    let client = reqwest::Client::builder().no_gzip().build().unwrap();
    let call = client.get(&url).bearer_auth(&token).header("accept-encoding", "gzip");
    let answer = call.send().await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(60));
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let plain = fixture.get(&token, "/gmail/v1/users/me/messages?prettyPrint=false").await;
    assert_eq!(plain.0, 200);
    let document = fixture.http.get(format!("{}/$discovery/rest?version=v1", fixture.running.url));
    let document: Value = document.send().await.unwrap().json().await.unwrap();
    assert_eq!(document["rootUrl"], format!("{}/", fixture.running.url));
}

#[tokio::test]
async fn shutdown_closes_the_port() {
    let fixture = start().await;
    let url = fixture.running.url.clone();
    fixture.running.shutdown().await;
    assert!(fixture.http.get(url).send().await.is_err());
}
