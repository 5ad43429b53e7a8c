//! The service against a whole Google Workspace: tokens that are verified, Directory and Gmail.

use crate::support;

use serde_json::{Value, json};
use support::{Secrets, Service};
use workspace_emulator::{Config, Emulator, Running, WorldConfig};

const LIST: &str = "gmail.users.messages.list";

async fn workspace(config: Config) -> (Running, Service) {
    service(config, &[]).await
}

async fn service(config: Config, flags: &[&str]) -> (Running, Service) {
    let world = WorldConfig {
        users_per_domain: vec![4, 2],
        messages_per_user: 30,
        ..WorldConfig::default()
    };
    let running = Emulator::start(Config { world, ..config }).await.unwrap();
    let secrets = Secrets::default();
    secrets.set("GAPI_KEY", running.key_json.clone().into());
    secrets.set("GAPI_ADMIN_EMAIL", running.admin.clone().into());
    let service = Service::at(&running.url, flags, secrets);
    (running, service)
}

async fn ok(service: &Service, method: &str, args: Value) -> Value {
    let (status, _, answer) = service.call(method, args).await;
    assert_eq!(status, 200, "{method}: {answer}");
    answer
}

fn fault(running: &Running, rule: Value) {
    running.app().faults.add(serde_json::from_value(rule).unwrap()).unwrap();
}

#[tokio::test]
async fn the_search_finds_what_is_there() {
    let (running, service) = workspace(Config::default()).await;
    let (query, most_users, most_results) = ("invoice", 3, 5);
    let mut calls = 1;
    let mut found = Vec::new();
    let domains = ok(&service, "admin.domains.list", json!([{"customer": "my_customer"}])).await;
    for domain in domains["domains"].as_array().unwrap() {
        let name = &domain["domainName"];
        let users = ok(
            &service,
            "admin.users.list",
            json!([{"domain": name, "maxResults": most_users, "orderBy": "email"}]),
        )
        .await;
        calls += 1;
        for user in users["users"].as_array().unwrap() {
            let email = &user["primaryEmail"];
            let list = ok(
                &service,
                LIST,
                json!([{"userId": email, "q": query, "maxResults": most_results}]),
            )
            .await;
            calls += 1;
            for message in list["messages"].as_array().unwrap_or(&Vec::new()) {
                let args = json!([{"userId": email, "id": message["id"], "format": "metadata",
                    "metadataHeaders": ["Subject", "From", "Date"]}]);
                let full = ok(&service, "gmail.users.messages.get", args).await;
                calls += 1;
                let headers = full["payload"]["headers"].as_array().unwrap();
                assert!(
                    headers
                        .iter()
                        .any(|h| h["name"].as_str().unwrap().eq_ignore_ascii_case("subject"))
                );
                assert!(headers.len() <= 3, "repeated metadataHeaders reach Gmail one by one");
                found.push(message["id"].as_str().unwrap().to_owned());
            }
        }
    }
    let truth = running.truth(query, most_users, most_results);
    let expected: Vec<String> =
        truth.domains.iter().flat_map(|d| &d.users).flat_map(|u| u.message_ids.clone()).collect();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
    assert_eq!(calls, truth.host_calls);
    let tokens =
        running.app().log.lines().iter().filter(|line| line.method == "oauth2.token").count();
    assert_eq!(tokens, 2 + truth.summary.total_users, "one token for a user and scope");
}

#[tokio::test]
async fn all_pages_are_the_whole_list() {
    let (running, service) = workspace(Config::default()).await;
    let user = running.admin.clone();
    let all =
        ok(&service, LIST, json!([{"userId": user, "maxResults": 7}, {"allPages": true}])).await;
    let whole = ok(&service, LIST, json!([{"userId": user, "maxResults": 500}])).await;
    assert_eq!(all["messages"], whole["messages"]);
    let part =
        ok(&service, LIST, json!([{"userId": user}, {"allPages": true, "maxItems": 12}])).await;
    assert_eq!(part["messages"].as_array().unwrap().len(), 12);
    let rest = ok(
        &service,
        LIST,
        json!([{"userId": user, "pageToken": part["nextPageToken"]}, {"allPages": true}]),
    )
    .await;
    let joined: Vec<&Value> =
        [&part, &rest].iter().flat_map(|a| a["messages"].as_array().unwrap()).collect();
    assert_eq!(joined, whole["messages"].as_array().unwrap().iter().collect::<Vec<_>>());
    let users =
        ok(&service, "admin.users.list", json!([{"maxResults": 2}, {"allPages": true}])).await;
    assert_eq!(users["users"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn faults_are_survived_or_handed_on() {
    let (running, service) = workspace(Config::default()).await;
    fault(&running, json!({"match": {"method": LIST}, "times": 1, "status": 503}));
    ok(&service, LIST, json!([{}])).await;
    fault(&running, json!({"match": {"method": LIST}, "times": 1, "html": true}));
    ok(&service, LIST, json!([{}])).await;
    fault(&running, json!({"match": {"method": LIST}, "times": 1, "reset": true}));
    ok(&service, LIST, json!([{}])).await;
    fault(
        &running,
        json!({"match": {"method": LIST}, "times": 1, "status": 429, "retryAfter": 120}),
    );
    let (status, headers, answer) = service.call(LIST, json!([{}])).await;
    assert_eq!((status, &answer["retryable"]), (429, &json!(true)));
    assert!(headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 120);
}

#[tokio::test]
async fn a_lost_answer_to_a_send_is_not_sent_again() {
    let (running, service) = workspace(Config::default()).await;
    let rule =
        json!({"match": {"method": "gmail.users.messages.send"}, "reset": true, "after": true});
    fault(&running, rule);
    let send = json!([{"raw": "VG86IGJAYi5leGFtcGxlDQpTdWJqZWN0OiB4DQoNCmhp"}]);
    let (status, _, answer) = service.call("gmail.users.messages.send", send).await;
    assert_eq!((status, &answer["retryable"]), (502, &json!(false)), "{answer}");
    assert_eq!(running.app().world.effects.log().len(), 1);
}

#[tokio::test]
async fn users_without_mail_fail_by_themselves() {
    let config =
        Config { suspended: vec!["2".into()], no_mailbox: vec!["3".into()], ..Config::default() };
    let (running, service) = workspace(config).await;
    let users = ok(&service, "admin.users.list", json!([{"orderBy": "email"}])).await;
    let mut reasons = Vec::new();
    for user in users["users"].as_array().unwrap() {
        let (status, _, answer) =
            service.call(LIST, json!([{"userId": user["primaryEmail"]}])).await;
        if status != 200 {
            reasons.push((status, answer["reason"].as_str().unwrap().to_owned()));
        }
    }
    reasons.sort();
    assert_eq!(
        reasons,
        [(400, "failedPrecondition".to_owned()), (403, "invalid_grant".to_owned())]
    );
    drop(running);
}

#[tokio::test]
async fn a_scope_that_is_not_delegated_is_explained_and_configuration_helps() {
    let modify = "https://www.googleapis.com/auth/gmail.modify";
    let config = || Config { delegated_scopes: vec![modify.to_owned()], ..Config::default() };
    let (running, first) = workspace(config()).await;
    let (status, _, answer) = first.call(LIST, json!([{}])).await;
    assert_eq!(status, 403, "{answer}");
    assert!(answer["hint"].as_str().unwrap().contains("gmail.readonly"), "{answer}");
    drop(running);
    let (_running, second) = service(config(), &["--scopes", modify]).await;
    ok(&second, LIST, json!([{}])).await;
}
