//! CORS on every answer, and h2c on the same port.

use crate::common;

use common::{PUBLISHABLE, app, ask, every_key, send, start};
use http::StatusCode;

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

type Headers<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn preflights_are_answered_before_anybody_is_asked_for_a_key() {
    let app = app(&every_key());
    let wanted = "authorization,apikey,x-client-info,content-type,x-region,x-of-tomorrow";
    let browser = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", wanted),
    ];
    for path in ["/functions/v1/tasks/execute", "/wrappedkeystore", "/nobody"] {
        for headers in [&browser[..], &browser[..2], &[]] {
            let answer = ask(&app, "OPTIONS", path, headers).await;
            assert_eq!(answer.status, StatusCode::OK);
            let methods = answer.headers["access-control-allow-methods"].to_str().unwrap();
            assert!(METHODS.iter().all(|m| methods.contains(m)), "{methods}");
            let allowed = answer.headers["access-control-allow-headers"].to_str().unwrap();
            let expected =
                if headers.len() == 3 { wanted } else { "traceparent, tracestate, baggage" };
            assert!(allowed.contains(expected), "{allowed}");
        }
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_once() {
    let app = app(&every_key());
    let key = [("apikey", PUBLISHABLE)];
    let encoded = [("apikey", PUBLISHABLE), ("content-encoding", "gzip")];
    let cases: [(&str, &str, Headers, u16); 7] = [
        ("POST", "/tasks/execute", &key, 200),
        ("POST", "/tasks/execute", &[], 401),
        ("POST", "/wrappedgapi", &key, 403),
        ("POST", "/nobody", &key, 404),
        ("TRACE", "/tasks", &key, 405),
        ("POST", "/tasks", &encoded, 415),
        ("POST", "/tasks/panic", &[("apikey", common::SECRET_KEY)], 500),
    ];
    for (method, path, headers, status) in cases {
        let answer = send(&app, method, path, headers, "").await;
        assert_eq!(answer.status, status, "{method} {path}");
        for name in ["origin", "headers", "methods"] {
            let name = format!("access-control-allow-{name}");
            assert_eq!(answer.headers.get_all(&name).iter().count(), 1, "{method} {path} {name}");
        }
        assert!(answer.json().is_object(), "{}", answer.text);
    }
}

#[tokio::test]
async fn both_protocols_on_one_port() {
    let address = start(app(&every_key())).await;
    let one = reqwest::Client::builder().no_proxy();
    let two = reqwest::Client::builder().no_proxy().http2_prior_knowledge();
    for (client, version) in [(one, http::Version::HTTP_11), (two, http::Version::HTTP_2)] {
        let client = client.build().unwrap();
        for (key, status) in [(PUBLISHABLE, 200), ("sb_publishable_of_nobody", 401)] {
            let url = format!("http://{address}/functions/v1/tasks/execute");
            let answer = client.post(url).header("apikey", key).body("{}").send().await.unwrap();
            assert_eq!((answer.version(), answer.status().as_u16()), (version, status));
        }
        let url = format!("http://{address}/_internal/health");
        let health: serde_json::Value = client.get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!(health["message"], "ok");
    }
}
