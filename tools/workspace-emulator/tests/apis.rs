//! Directory and Gmail over a socket.

use crate::common;

use std::collections::HashSet;

use common::{DOMAINS, Fixture, MODIFY, READ, USERS, reason, start};
use reqwest::Method;
use serde_json::{Value, json};

/// Reads all pages of a listing; gives the items and the number of pages.
async fn pages(fixture: &Fixture, token: &str, path: &str, key: &str) -> (Vec<Value>, usize) {
    let (mut items, mut count, mut page) = (Vec::new(), 0, String::new());
    loop {
        let (status, body) = fixture.get(token, &format!("{path}{page}")).await;
        assert_eq!(status, 200, "{body}");
        count += 1;
        items.extend(body[key].as_array().into_iter().flatten().cloned());
        match body["nextPageToken"].as_str() {
            Some(next) => page = format!("&pageToken={next}"),
            None => return (items, count),
        }
    }
}

#[tokio::test]
async fn directory_pages_sorts_and_searches() {
    let fixture = start().await;
    let token = fixture.token(&fixture.running.admin, &format!("{USERS} {DOMAINS}")).await;
    let domains = fixture.get(&token, "/admin/directory/v1/customer/my_customer/domains").await.1;
    assert_eq!(domains["kind"], "admin#directory#domains");
    assert_eq!(domains["domains"].as_array().unwrap().len(), 4);
    let path = "/admin/directory/v1/users?domain=beta.example&maxResults=4";
    let (users, count) = pages(&fixture, &token, path, "users").await;
    // Exactly two full pages: no third, empty one.
    assert_eq!((users.len(), count), (8, 2));
    let descending = format!("{path}&orderBy=familyName&sortOrder=DESCENDING");
    let (turned, _) = pages(&fixture, &token, &descending, "users").await;
    let names = |list: &[Value]| -> Vec<String> {
        list.iter().map(|u| u["name"]["familyName"].to_string().to_lowercase()).collect()
    };
    assert!(names(&turned).windows(2).all(|w| w[0] >= w[1]));
    let query = "/admin/directory/v1/users?customer=my_customer&query=email:admin*&fields=users/primaryEmail";
    let found = fixture.get(&token, query).await.1;
    assert_eq!(found, json!({ "users": [{ "primaryEmail": "admin@alpha.example" }] }));
    for (path, status, why) in [
        ("/admin/directory/v1/users", 400, "badRequest"),
        ("/admin/directory/v1/users?domain=nowhere.example", 404, "notFound"),
        ("/admin/directory/v1/users/nobody@alpha.example", 404, "notFound"),
        ("/admin/directory/v1/users?customer=my_customer&pageToken=x", 400, "invalidParameter"),
        ("/admin/directory/v1/users?customer=my_customer&maxResults=x", 400, "invalidParameter"),
        ("/admin/directory/v1/users?customer=my_customer&fields=a(", 400, "invalidParameter"),
        ("/admin/directory/v1/customer/my_customer/domains/x.example", 404, "notFound"),
        ("/gmail/v1/users/me/messages", 403, "insufficientPermissions"),
        ("/calendar/v3/calendars/primary", 404, "notFound"),
    ] {
        assert_eq!(reason(&fixture.get(&token, path).await), (status, why), "{path}");
    }
    let lay = fixture.token(&fixture.user(2), USERS).await;
    assert_eq!(reason(&fixture.get(&lay, path).await), (403, "forbidden"));
}

#[tokio::test]
async fn mail_is_listed_page_by_page_without_a_page_too_many() {
    let fixture = start().await;
    let token = fixture.token(&fixture.user(5), READ).await;
    let list = "/gmail/v1/users/me/messages?maxResults=";
    for (size, expected) in [(500, 1), (60, 1), (59, 2), (30, 2), (7, 9)] {
        let (items, count) = pages(&fixture, &token, &format!("{list}{size}"), "messages").await;
        let ids: HashSet<_> = items.iter().map(|item| item["id"].to_string()).collect();
        assert_eq!((items.len(), ids.len(), count), (60, 60, expected), "{size}");
    }
    let (hidden, _) =
        pages(&fixture, &token, &format!("{list}9&includeSpamTrash=true"), "messages").await;
    assert!(hidden.len() > 60);
    let (spam, _) = pages(&fixture, &token, &format!("{list}9&q=in:spam"), "messages").await;
    let (trash, _) = pages(&fixture, &token, &format!("{list}9&labelIds=TRASH"), "messages").await;
    assert_eq!(spam.len() + trash.len(), hidden.len() - 60);
    let both = format!("{list}500&labelIds=INBOX&labelIds=UNREAD");
    let (unread, _) = pages(&fixture, &token, &both, "messages").await;
    let (same, _) =
        pages(&fixture, &token, &format!("{list}9&q=in:inbox%20is:unread"), "messages").await;
    assert_eq!(unread, same);
    let nothing = fixture.get(&token, &format!("{list}9&q=zzzzz")).await.1;
    assert_eq!(nothing, json!({ "resultSizeEstimate": 0 }));
    let first = fixture.get(&token, &format!("{list}9")).await.1;
    let page = first["nextPageToken"].as_str().unwrap();
    let stolen = fixture.get(&token, &format!("{list}9&q=invoice&pageToken={page}")).await;
    assert_eq!(reason(&stolen), (400, "invalidParameter"));
}

#[tokio::test]
async fn searching_over_http_finds_the_truth() {
    let fixture = start().await;
    for query in ["", "invoice", "from:alpha.example -is:unread", "has:attachment OR in:trash"] {
        let truth = fixture.running.truth(query, 500, 20);
        for user in truth.domains.iter().flat_map(|domain| &domain.users).step_by(5) {
            let token = fixture.token(&user.email, READ).await;
            let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
            let path = format!("/gmail/v1/users/me/messages?maxResults=20&q={query}");
            let body = fixture.get(&token, &path).await.1;
            let found = body["messages"].as_array().into_iter().flatten();
            let ids: Vec<_> = found.map(|m| m["id"].as_str().unwrap().to_owned()).collect();
            assert_eq!(ids, user.message_ids, "{query} {}", user.email);
        }
    }
}

#[tokio::test]
async fn formats_differ_as_documented() {
    let fixture = start().await;
    let token = fixture.token(&fixture.user(5), READ).await;
    let list = fixture.get(&token, "/gmail/v1/users/me/messages").await.1;
    let path =
        format!("/gmail/v1/users/me/messages/{}", list["messages"][0]["id"].as_str().unwrap());
    let query = "?format=metadata&metadataHeaders=DATE&metadataHeaders=from";
    let metadata = fixture.get(&token, &format!("{path}{query}")).await.1;
    let headers = metadata["payload"]["headers"].as_array().unwrap();
    assert!(!headers.is_empty() && headers.len() <= 2);
    assert!(metadata["payload"].get("body").is_none() && metadata.get("raw").is_none());
    assert!(metadata["internalDate"].is_string() && metadata["sizeEstimate"].is_u64());
    let minimal = fixture.get(&token, &format!("{path}?format=minimal")).await.1;
    assert!(minimal.get("payload").is_none() && minimal["snippet"].is_string());
    assert!(fixture.get(&token, &format!("{path}?format=raw")).await.1["raw"].is_string());
    assert!(fixture.get(&token, &path).await.1["payload"]["headers"].as_array().unwrap().len() > 5);
    let bad = fixture.get(&token, &format!("{path}?format=huge")).await;
    assert_eq!(reason(&bad), (400, "invalidParameter"));
    let narrow =
        fixture.token(&fixture.user(5), "https://www.googleapis.com/auth/gmail.metadata").await;
    assert_eq!(reason(&fixture.get(&narrow, &path).await), (403, "forbidden"));
    let search = fixture.get(&narrow, "/gmail/v1/users/me/messages?q=x").await;
    assert_eq!(reason(&search), (403, "forbidden"));
    assert_eq!(fixture.get(&narrow, &format!("{path}{query}")).await.0, 200);
    let none = fixture.get("ya29.never-issued", &path).await;
    assert_eq!(reason(&none), (401, "authError"));
}

#[tokio::test]
async fn effects_are_kept_and_counted() {
    let fixture = start().await;
    let token = fixture.token(&fixture.user(5), MODIFY).await;
    let list = fixture.get(&token, "/gmail/v1/users/me/messages?q=in:inbox").await.1;
    let id = list["messages"][0]["id"].as_str().unwrap();
    let path = format!("/gmail/v1/users/me/messages/{id}");
    let change = json!({ "addLabelIds": ["STARRED"], "removeLabelIds": ["INBOX"] });
    let answer = fixture.call(&token, Method::POST, &format!("{path}/modify"), change).await;
    assert_eq!(answer.status(), 200);
    let labels =
        fixture.get(&token, &format!("{path}?fields=labelIds")).await.1["labelIds"].clone();
    let labels = labels.as_array().unwrap();
    assert!(labels.contains(&json!("STARRED")) && !labels.contains(&json!("INBOX")));
    let odd = json!({ "addLabelIds": ["Label_77"] });
    let answer = fixture.call(&token, Method::POST, &format!("{path}/modify"), odd).await;
    assert_eq!(answer.status(), 400);
    let raw = "VG86IGJAYi5leGFtcGxlDQpTdWJqZWN0OiBoaQ0KDQp4eXp6eQ";
    let send = "/gmail/v1/users/me/messages/send";
    for _ in 0..2 {
        let answer = fixture.call(&token, Method::POST, send, json!({ "raw": raw })).await;
        assert_eq!(answer.status(), 200);
    }
    for bad in [json!({}), json!({ "raw": "%" }), json!({ "raw": "eA" }), json!([1])] {
        let answer = fixture.call(&token, Method::POST, send, bad.clone()).await;
        assert_eq!(answer.status(), 400, "{bad}");
    }
    let sent = fixture.get(&token, "/gmail/v1/users/me/messages?q=xyzzy").await.1;
    assert_eq!(sent["messages"].as_array().unwrap().len(), 2);
    let effects = fixture.admin(Method::GET, "effects", Value::Null).await;
    let kinds: Vec<_> = effects["effects"].as_array().unwrap().iter().map(|e| &e["kind"]).collect();
    assert_eq!(kinds, ["modify", "send", "send"]);
}

#[tokio::test]
async fn threads_hold_their_messages() {
    let fixture = start().await;
    let token = fixture.token(&fixture.user(5), READ).await;
    let path = "/gmail/v1/users/me/threads?maxResults=7";
    let (threads, _) = pages(&fixture, &token, path, "threads").await;
    let mut total = 0;
    for thread in &threads {
        let path =
            format!("/gmail/v1/users/me/threads/{}?format=minimal", thread["id"].as_str().unwrap());
        let body = fixture.get(&token, &path).await.1;
        let messages = body["messages"].as_array().unwrap();
        assert_eq!(messages[0]["id"], thread["id"]);
        total += messages.len();
    }
    assert_eq!(total, 60);
    assert!(threads.len() < 60);
}
