//! Calls that come again under their key.

use std::time::Duration;

use crate::support::{Server, Service, google_error, json_reply};
use axum::{body::Body, http::Request};
use serde_json::{Value, json};

const SEND: &str = "gmail.users.messages.send";

fn send(key: Option<&str>, raw: &str) -> Request<Body> {
    let args = json!([{ "userId": "ann@x.example", "requestBody": { "raw": raw } }]);
    let request = Request::post("/");
    let request = match key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    };
    request.body(Body::from(json!({ "method": SEND, "args": args }).to_string())).unwrap()
}

/// Answers the number of the request.
fn numbered(nth: usize) -> crate::support::Reply {
    json_reply(200, json!({ "id": nth })).after(Duration::from_millis(100))
}

#[tokio::test]
async fn a_repeated_call_gets_the_first_ones_answer() {
    let server = Server::api(|_, nth| numbered(nth)).await;
    let service = Service::new(&server, &[]);
    let ask = || service.send(send(Some("k"), "aGk"));
    let (one, two) = futures::join!(ask(), ask());
    assert_eq!((one.0, &one.2, &two.2), (200, &json!({ "id": 0 }), &one.2));
    assert_eq!(ask().await.2, one.2);
    assert_eq!(server.calls().len(), 1);
    let (status, _, said) = service.send(send(Some("k"), "b3RoZXI")).await;
    assert_eq!(status, 422);
    assert!(said["error"].as_str().unwrap().contains("Idempotency-Key 'k'"), "{said}");
    // Without a key, and under another one, it is another call.
    for key in [None, None, Some("l")] {
        assert_eq!(service.send(send(key, "aGk")).await.0, 200);
    }
    assert_eq!(server.calls().len(), 4);
}

#[tokio::test]
async fn whoever_asked_may_go_and_come_back() {
    let server = Server::api(|_, nth| numbered(nth)).await;
    let service = Service::new(&server, &[]);
    let gone =
        tokio::time::timeout(Duration::from_millis(60), service.send(send(Some("k"), "aGk")));
    assert!(gone.await.is_err());
    assert_eq!(service.send(send(Some("k"), "aGk")).await.2, json!({ "id": 0 }));
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let server = Server::api(|_, nth| match nth {
        0 => google_error(400, "badRequest", "no"),
        nth => numbered(nth),
    })
    .await;
    let service = Service::new(&server, &[]);
    let first = service.send(send(Some("k"), "aGk")).await;
    assert_eq!(first.0, 400);
    let second: Value = service.send(send(Some("k"), "aGk")).await.2;
    assert_eq!(second, json!({ "id": 1 }));
}
