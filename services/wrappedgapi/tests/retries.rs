//! What is sent again, and when the service gives up.

use crate::support;

use std::time::{Duration, Instant};

use serde_json::json;
use support::{Secrets, Server, Service, google_error, json_reply, reply};

const LIST: &str = "gmail.users.messages.list";

#[tokio::test]
async fn reads_recover_from_rate_limits_and_5xx() {
    let failures = |nth: usize| match nth {
        0 => google_error(429, "rateLimitExceeded", "Rate Limit Exceeded").with("retry-after", "0"),
        1 => google_error(403, "userRateLimitExceeded", "Slow down").with("retry-after", "0"),
        _ => json_reply(200, json!({"ok": true})),
    };
    let server = Server::api(move |_, nth| failures(nth)).await;
    let service = Service::new(&server, &[]);
    assert_eq!(service.call(LIST, json!([])).await.2, json!({"ok": true}));
    assert_eq!(server.calls().len(), 3);

    let server =
        Server::api(
            |_, nth| if nth == 0 { reply(502, "<html>") } else { json_reply(200, json!({})) },
        )
        .await;
    assert_eq!(Service::new(&server, &[]).call(LIST, json!([])).await.0, 200);
}

#[tokio::test]
async fn a_long_wait_is_handed_back_at_once() {
    let server = Server::api(|_, _| {
        google_error(429, "rateLimitExceeded", "Quota exceeded").with("retry-after", "3600")
    })
    .await;
    let service = Service::new(&server, &[]);
    let start = Instant::now();
    let (status, headers, answer) = service.call(LIST, json!([])).await;
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!((status, &answer["retryable"]), (429, &json!(true)));
    assert!(answer["retryAfterMs"].as_u64().unwrap() >= 3_600_000);
    assert!(headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 3600);
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn gmails_spoken_wait_counts_too() {
    let at = (std::time::SystemTime::now() + Duration::from_secs(900))
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let at = jiff::Timestamp::from_second(i64::try_from(at.as_secs()).unwrap()).unwrap();
    let message = format!("User-rate limit exceeded.  Retry after {at}");
    let server = Server::api(move |_, _| google_error(429, "rateLimitExceeded", &message)).await;
    let (status, _, answer) = Service::new(&server, &[]).call(LIST, json!([])).await;
    assert_eq!(status, 429);
    assert!(answer["retryAfterMs"].as_u64().unwrap() > 800_000, "{answer}");
}

#[tokio::test]
async fn a_spent_budget_answers_googles_status() {
    let server = Server::api(|_, _| google_error(503, "backendError", "Backend Error")).await;
    let service = Service::new(&server, &["--retry-budget-ms", "50"]);
    let (status, headers, answer) = service.call(LIST, json!([])).await;
    assert_eq!((status, &answer["retryable"]), (503, &json!(true)), "{answer}");
    assert!(headers.contains_key("retry-after"));
}

#[tokio::test]
async fn writes_are_sent_again_only_when_google_did_nothing() {
    let send = json!([{"raw": "U3ViamVjdDogeA"}]);
    let server = Server::api(|_, _| google_error(503, "backendError", "Backend Error")).await;
    let (status, _, answer) =
        Service::new(&server, &[]).call("gmail.users.messages.send", send.clone()).await;
    assert_eq!((status, &answer["retryable"], server.calls().len()), (503, &json!(false), 1));

    let limited = |nth| match nth {
        0 => google_error(429, "rateLimitExceeded", "Slow").with("retry-after", "0"),
        _ => json_reply(200, json!({"id": "m"})),
    };
    let server = Server::api(move |_, nth| limited(nth)).await;
    let (status, _, _) = Service::new(&server, &[]).call("gmail.users.messages.send", send).await;
    assert_eq!((status, server.calls().len()), (200, 2));
    assert_eq!(server.calls()[0].text(), r#"{"raw":"U3ViamVjdDogeA"}"#);
}

#[tokio::test]
async fn a_silent_api_is_cut_off_and_a_missing_one_is_named() {
    let server = Server::api(|_, _| json_reply(200, json!({})).after(Duration::from_secs(5))).await;
    let service = Service::new(&server, &["--retry-budget-ms", "400"]);
    let start = Instant::now();
    let (status, _, answer) = service.call(LIST, json!([])).await;
    assert_eq!((status, &answer["reason"]), (504, &json!("timeout")), "{answer}");
    assert!(start.elapsed() < Duration::from_secs(3));

    let server = Server::api(|_, _| json_reply(200, json!({}))).await;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let secrets = Secrets::usual(&server);
    let service = Service::at(&format!("http://{gone}"), &["--retry-budget-ms", "50"], secrets);
    let (status, _, answer) =
        service.call("gmail.users.messages.send", json!([{"raw": "x"}])).await;
    assert_eq!(
        (status, &answer["reason"], &answer["retryable"]),
        (502, &json!("unreachable"), &json!(true)),
        "{answer}"
    );
}
