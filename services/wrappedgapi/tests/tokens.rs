//! Every trap of yup-oauth2 that is known, against a token endpoint on a real socket.

use crate::support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Secrets, Server, Service, json_reply, key_for, reply, token_reply};
use tokio::io::AsyncWriteExt as _;

const LIST: &str = "gmail.users.messages.list";

#[tokio::test]
async fn every_user_gets_a_token_of_their_own_for_one_scope() {
    let server =
        Server::api(|seen, _| json_reply(200, json!({"token": seen.header("authorization")})))
            .await;
    let service = Service::new(&server, &[]);
    for _ in 0..2 {
        for user in ["liz@x.example", "bob@x.example"] {
            let (status, _, answer) = service.call(LIST, json!([{"userId": user}])).await;
            assert_eq!(status, 200, "{answer}");
            let token =
                format!("Bearer ya29.{user}|https://www.googleapis.com/auth/gmail.readonly");
            assert_eq!(answer["token"], token);
        }
    }
    assert_eq!(server.tokens().len(), 2, "the second round uses cached tokens");
}

#[tokio::test]
async fn me_and_nobody_mean_the_admin_never_a_user_called_me() {
    let server = Server::api(|_, _| json_reply(200, json!({}))).await;
    let service = Service::new(&server, &[]);
    for args in [json!([]), json!([{"userId": "me"}]), json!([{}])] {
        assert_eq!(service.call(LIST, args).await.0, 200);
    }
    let tokens = server.tokens();
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].claims()["sub"], "admin@x.example");
    assert_eq!(tokens[0].claims()["aud"], format!("{}/token", server.url));
    assert!(
        tokens[0]
            .text()
            .starts_with("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer")
    );
}

#[tokio::test]
async fn scopes_do_not_share_a_token_and_are_never_asked_for_together() {
    let server = Server::api(|_, _| json_reply(200, json!({}))).await;
    let service =
        Service::new(&server, &["--scopes", "https://www.googleapis.com/auth/gmail.modify"]);
    for method in [LIST, "admin.domains.list", "admin.users.list"] {
        assert_eq!(service.call(method, json!([{}])).await.0, 200);
    }
    let scopes: Vec<Value> = server.tokens().iter().map(|t| t.claims()["scope"].clone()).collect();
    assert_eq!(
        scopes,
        [
            json!("https://www.googleapis.com/auth/gmail.modify"),
            json!("https://www.googleapis.com/auth/admin.directory.domain.readonly"),
            json!("https://www.googleapis.com/auth/admin.directory.user.readonly"),
        ]
    );
}

#[tokio::test]
async fn ten_cold_callers_send_one_token_request() {
    let server = Server::start(|seen, _| {
        if seen.path != "/token" {
            return json_reply(200, json!({}));
        }
        token_reply(seen).after(Duration::from_millis(100))
    })
    .await;
    let service = Service::new(&server, &[]);
    let calls = (0..10).map(|_| service.call(LIST, json!([{"userId": "liz@x.example"}])));
    for (status, _, answer) in futures::future::join_all(calls).await {
        assert_eq!(status, 200, "{answer}");
    }
    assert_eq!(server.tokens().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_fails_in_json_does_not_poison_the_cache() {
    for bad in [r#"{"error":{"code":503,"message":"try later"}}"#, "{}", "<html>503</html>"] {
        let server = Server::start(move |seen, nth| match (seen.path.as_str(), nth) {
            ("/token", 0 | 1) => reply(503, bad),
            ("/token", _) => token_reply(seen),
            _ => json_reply(200, json!({"ok": true})),
        })
        .await;
        let service = Service::new(&server, &[]);
        let (status, _, answer) = service.call(LIST, json!([{}])).await;
        assert_eq!((status, answer), (200, json!({"ok": true})), "{bad}");
        let (_, _, info) = service.call("getTokenInfo", json!([])).await;
        assert_eq!(info["count"], 1);
    }
}

#[tokio::test]
async fn a_token_endpoint_that_stays_down_is_a_502_that_may_be_retried() {
    let server = Server::start(|_, _| reply(503, "{}")).await;
    let service = Service::new(&server, &["--retry-budget-ms", "300"]);
    let (status, headers, answer) = service.call(LIST, json!([{}])).await;
    assert_eq!(status, 502, "{answer}");
    assert_eq!(
        (&answer["reason"], &answer["retryable"]),
        (&json!("tokenEndpointUnavailable"), &json!(true))
    );
    assert!(headers.contains_key("retry-after") && answer["retryAfterMs"].is_u64());
    assert!(server.calls().is_empty());
}

#[tokio::test]
async fn a_slow_token_endpoint_is_cut_off() {
    let server = Server::start(|seen, _| token_reply(seen).after(Duration::from_secs(3))).await;
    let service = Service::new(&server, &["--token-timeout-ms", "200", "--retry-budget-ms", "300"]);
    let start = Instant::now();
    let (status, _, answer) = service.call(LIST, json!([{}])).await;
    assert_eq!((status, &answer["retryable"]), (502, &json!(true)));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_token_endpoint_that_stops_in_the_middle_of_its_body_is_cut_off() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
            stream.write_all(head).await.unwrap();
            open.push(stream);
        }
    });
    let server = Server::api(|_, _| json_reply(200, json!({}))).await;
    let secrets = Secrets::usual(&server);
    secrets.set("GAPI_KEY", key_for(&format!("http://{address}/token")));
    let flags = ["--token-timeout-ms", "200", "--retry-budget-ms", "300"];
    let service = Service::with(&server, &flags, secrets);
    let start = Instant::now();
    let (status, _, answer) = service.call(LIST, json!([{}])).await;
    assert_eq!(status, 502, "{answer}");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_refusal_names_code_scope_and_client_and_is_not_repeated() {
    let body =
        json!({"error": "unauthorized_client", "error_description": "Client is unauthorized."});
    let server = Server::start(move |_, _| json_reply(401, body.clone())).await;
    let service = Service::new(&server, &[]);
    let (status, _, answer) = service.call(LIST, json!([{"userId": "liz@x.example"}])).await;
    assert_eq!((status, &answer["retryable"]), (403, &json!(false)));
    assert_eq!(answer["reason"], "unauthorized_client");
    let error = answer["error"].as_str().unwrap();
    assert!(error.starts_with("Gmail messages list error: token endpoint answered unauthorized_client: Client is unauthorized."), "{error}");
    for part in ["1234567", "gmail.readonly", "Domain-wide delegation"] {
        assert!(answer["hint"].as_str().unwrap().contains(part), "{answer}");
    }
    assert_eq!(server.tokens().len(), 1);
}

#[tokio::test]
async fn short_lived_tokens_are_replaced_rather_than_sent_expired() {
    let server = Server::start(|seen, nth| match seen.path.as_str() {
        "/token" => json_reply(
            200,
            json!({"access_token": format!("t{nth}"), "expires_in": 30, "token_type": "Bearer"}),
        ),
        _ => json_reply(200, json!({"token": seen.header("authorization")})),
    })
    .await;
    let service = Service::new(&server, &[]);
    assert_eq!(service.call(LIST, json!([])).await.2["token"], "Bearer t0");
    assert_eq!(service.call(LIST, json!([])).await.2["token"], "Bearer t1");
}

#[tokio::test]
async fn unusable_keys_are_424_and_neither_panic_nor_leak() {
    let server = Server::api(|_, _| json_reply(200, json!({}))).await;
    for (key, expected) in [
        (Value::Null, "GAPI_KEY is not set"),
        (json!("not json: hunter2"), "it is not JSON"),
        (key_for("http://"), "token_uri"),
        (key_for("::not a uri::"), "token_uri"),
        (
            json!({"client_email": "a", "private_key": "-----BEGIN hunter2", "token_uri": server.url}),
            "no RSA key",
        ),
    ] {
        let secrets = Secrets::usual(&server);
        secrets.set("GAPI_KEY", key);
        let service = Service::with(&server, &[], secrets);
        let (status, _, answer) = service.call(LIST, json!([])).await;
        let error = answer["error"].as_str().unwrap();
        assert_eq!(status, 424, "{error}");
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("tasker keystore set GAPI_KEY @key.json"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        let (status, _, answer) = service.call("checkCredentials", json!([])).await;
        assert_eq!((status, &answer["status"]), (500, &json!("error")));
    }
}

#[tokio::test]
async fn a_new_key_takes_effect_after_the_old_one_was_refused() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/old" => json_reply(400, json!({"error": "invalid_client", "error_description": "gone"})),
        "/token" => token_reply(seen),
        _ => json_reply(200, json!({"ok": true})),
    })
    .await;
    let secrets = Secrets::usual(&server);
    let good = key_for(&format!("{}/token", server.url));
    secrets.set("GAPI_KEY", key_for(&format!("{}/old", server.url)));
    let service = Service::with(&server, &[], secrets.clone());
    assert_eq!(service.call(LIST, json!([])).await.0, 403);
    secrets.set("GAPI_KEY", good);
    let start = Instant::now();
    while service.call(LIST, json!([])).await.0 != 200 {
        assert!(start.elapsed() < Duration::from_secs(5), "the new key must be read soon");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_refused_api_token_is_replaced_once() {
    let server = Server::start(|seen, nth| match seen.path.as_str() {
        "/token" => json_reply(200, json!({"access_token": format!("t{nth}"), "expires_in": 3599})),
        _ if seen.header("authorization") == "Bearer t0" => {
            support::google_error(401, "authError", "Invalid Credentials")
        }
        _ => json_reply(200, json!({"token": seen.header("authorization")})),
    })
    .await;
    let service = Service::new(&server, &[]);
    let (status, _, answer) = service.call(LIST, json!([])).await;
    assert_eq!((status, &answer["token"]), (200, &json!("Bearer t1")));

    let server =
        Server::api(|_, _| support::google_error(401, "authError", "Invalid Credentials")).await;
    let service = Service::new(&server, &[]);
    let (status, _, answer) = service.call("admin.domains.list", json!([])).await;
    assert_eq!((status, &answer["reason"]), (401, &json!("authError")));
    assert_eq!((server.tokens().len(), server.calls().len()), (2, 2));
}

#[tokio::test]
async fn token_info_and_clearing() {
    let server = Server::api(|_, _| json_reply(200, json!({}))).await;
    let service = Service::new(&server, &[]);
    service.call(LIST, json!([])).await;
    let (_, _, info) = service.call("getTokenInfo", json!([])).await;
    assert_eq!(info["count"], 1);
    assert_eq!(info["tokens"][0]["valid"], true);
    assert_eq!(info["tokens"][0]["scope"], "https://www.googleapis.com/auth/gmail.readonly");
    assert!(!info.to_string().contains("ya29"));
    let (_, _, cleared) = service.call("clearTokenCache", json!(["other"])).await;
    assert_eq!(cleared["message"], "Cleared token cache for scope: other");
    assert_eq!(service.call("getTokenInfo", json!([])).await.2["count"], 1);
    let (_, _, cleared) = service.call("clearTokenCache", json!([])).await;
    assert_eq!(cleared["message"], "Cleared all token caches");
    assert_eq!(service.call("getTokenInfo", json!([])).await.2["count"], 0);
}
