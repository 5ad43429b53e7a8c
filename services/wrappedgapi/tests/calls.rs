//! Calls: what reaches Google and what comes back.

use crate::support;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use support::{Secrets, Server, Service, google_error, json_reply, reply};

const LIST: &str = "gmail.users.messages.list";

#[tokio::test]
async fn googles_json_comes_back_bare_and_requests_look_as_google_wants_them() {
    let raw = r#"{ "domains": [ {"domainName":"a.example","n":12345678901234567890} ], "nextPageToken":"p" }"#;
    let server = Server::api(move |_, _| reply(200, raw)).await;
    let service = Service::new(&server, &[]);
    let chain = json!({"chain": [{"property": "admin"}, {"property": "domains"},
        {"property": "list", "args": [{"customer": "admin@x.example"}]}]});
    let (status, headers, answer) = service.post(chain.to_string()).await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "application/json"));
    assert_eq!(answer, serde_json::from_str::<Value>(raw).unwrap());
    let call = &server.calls()[0];
    assert_eq!(call.uri, "/admin/directory/v1/customer/my_customer/domains");
    assert!(call.header("user-agent").contains("gzip"));
    assert!(call.header("accept-encoding").contains("gzip"));
    assert!(call.header("authorization").starts_with("Bearer ya29.admin@x.example|"));
}

#[tokio::test]
async fn repeated_parameters_are_repeated_keys() {
    let server = Server::api(|_, _| json_reply(200, json!({}))).await;
    let service = Service::new(&server, &[]);
    let args = json!([{"userId": "liz@x.example", "id": "m1", "format": "metadata",
        "metadataHeaders": ["Subject", "From", "Date"]}]);
    service.call("gmail.users.messages.get", args).await;
    assert_eq!(
        server.calls()[0].uri,
        "/gmail/v1/users/liz%40x.example/messages/m1?format=metadata\
         &metadataHeaders=Subject&metadataHeaders=From&metadataHeaders=Date"
    );
}

#[tokio::test]
async fn errors_keep_googles_status_and_words() {
    let server =
        Server::api(|_, _| google_error(403, "forbidden", "Delegation denied for liz@x.example"))
            .await;
    let service = Service::new(&server, &[]);
    let (status, _, answer) = service.call(LIST, json!([{"userId": "liz@x.example"}])).await;
    assert_eq!(status, 403);
    assert_eq!(
        answer["error"],
        "Gmail messages list error: Google API returned 403: Delegation denied for liz@x.example"
    );
    assert_eq!(
        (&answer["status"], &answer["reason"], &answer["retryable"]),
        (&json!(403), &json!("forbidden"), &json!(false))
    );
    assert_eq!(answer["google"]["errors"][0]["reason"], "forbidden");
    assert!(answer["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(server.calls().len(), 1);
    let (_, _, answer) = service.call("admin.users.list", json!([{}])).await;
    assert!(
        answer["error"].as_str().unwrap().starts_with("User list error: Google API returned 403: ")
    );
    let (_, _, answer) = service.call("drive.about.get", json!([{"fields": "*"}])).await;
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .starts_with("drive.about.get error: Google API returned 403: ")
    );
}

#[tokio::test]
async fn bad_requests_cost_no_call() {
    let server = Server::api(|_, _| json_reply(200, json!({}))).await;
    let service = Service::with(&server, &[], Secrets::default());
    for (method, args, expected) in [
        ("admin.users.get", json!([{}]), "missing required parameter \"userKey\""),
        ("admin.users.get", json!([{"userKey": "../../x"}]), "must not contain the segments"),
        (LIST, json!([{"query": "x"}]), "unknown parameter \"query\"; allowed: "),
        (LIST, json!([{"maxResults": {}}]), "\"maxResults\" must be of type integer"),
        (
            "gmail.users.messages.get",
            json!([{}]),
            "Gmail message get error: Message ID is required",
        ),
    ] {
        let (status, _, answer) = service.call(method, args).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(expected), "{answer}");
    }
    assert!(server.tokens().is_empty() && server.calls().is_empty());
}

#[tokio::test]
async fn unknown_methods_are_answered_with_their_neighbours() {
    let server = Server::api(|_, _| json_reply(200, json!({}))).await;
    let service = Service::new(&server, &[]);
    let (status, _, answer) = service.call("gmail.users.mesages.list", json!([{}])).await;
    assert_eq!((status, &answer["received_method"]), (400, &json!("gmail.users.mesages.list")));
    let error = answer["error"].as_str().unwrap();
    assert!(error.starts_with("Unsupported Google API request. "), "{error}");
    assert!(error.contains("Did you mean gmail.users.messages.list"), "{error}");
    assert_eq!(answer["supported_methods"].as_array().unwrap().len(), 8);
    assert!(answer["services"].as_array().unwrap().contains(&json!("drive")));
    let chain = json!({"chain": [{"property": "nope"}]});
    let (status, _, answer) = service.post(chain.to_string()).await;
    assert_eq!((status, &answer["received_chain"]), (400, &chain["chain"]));
}

#[tokio::test]
async fn utilities_health_and_bodies_keep_the_contract() {
    let server = Server::api(|_, _| json_reply(200, json!({}))).await;
    let service = Service::new(&server, &[]);
    assert_eq!(service.call("echo", json!([{"a": 1}])).await.2, json!({"echo": {"a": 1}}));
    let (status, _, check) = service.call("checkCredentials", json!([])).await;
    assert_eq!(
        (status, &check["adminEmail"], &check["clientEmail"]),
        (200, &json!("admin@x.example"), &json!("sa@project.iam"))
    );
    let step = json!({"chain": [{"property": "test"}, {"property": "getStepData", "args": [{"stepNumber": 2, "timestamp": "t"}]}]});
    let (_, _, step) = service.post(step.to_string()).await;
    assert_eq!(
        (&step["stepNumber"], &step["testData"], &step["timestamp"]),
        (&json!(2), &json!("Step 2 data"), &json!("t"))
    );
    for path in ["/health", "/any/health"] {
        let (status, _, health) =
            service.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!((status, &health["success"]), (200, &json!(true)));
        assert_eq!(
            (&health["data"]["service"], &health["data"]["status"]),
            (&json!("wrappedgapi"), &json!("healthy"))
        );
        assert_eq!(health["data"]["cache_size"], 0);
    }
    let (status, _, answer) = service.post("not json").await;
    assert_eq!((status, &answer["success"]), (400, &json!(false)));
    assert_eq!(service.send(Request::get("/").body(Body::empty()).unwrap()).await.0, 405);
    let anywhere =
        Request::post("/call/it/this").body(Body::from(r#"{"method":"echo","args":[1]}"#)).unwrap();
    assert_eq!(service.send(anywhere).await.2, json!({"echo": 1}));
}
