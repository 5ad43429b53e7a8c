//! `allPages`.

use crate::support;

use serde_json::{Value, json};
use support::{Server, Service, json_reply};

const LIST: &str = "gmail.users.messages.list";

/// Three pages of two; Gmail leaves an empty list out, and so does the last page.
fn pages(seen: &support::Seen) -> support::Reply {
    let page = |token: &str| seen.uri.contains(&format!("pageToken={token}"));
    json_reply(
        200,
        if page("p3") {
            json!({"resultSizeEstimate": 0})
        } else if page("p2") {
            json!({"messages": [{"id": "3"}, {"id": "4"}], "nextPageToken": "p3", "resultSizeEstimate": 2})
        } else {
            json!({"messages": [{"id": "1"}, {"id": "2"}], "nextPageToken": "p2", "resultSizeEstimate": 9})
        },
    )
}

#[tokio::test]
async fn all_pages_are_joined_on_request_and_one_is_answered_otherwise() {
    let server = Server::api(|seen, _| pages(seen)).await;
    let service = Service::new(&server, &[]);
    let (_, _, one) = service.call(LIST, json!([{}])).await;
    assert_eq!(one["nextPageToken"], "p2");
    let (_, _, all) = service.call(LIST, json!([{"q": "x"}, {"allPages": true}])).await;
    let ids = |answer: &Value| {
        answer["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["id"].as_str().unwrap().to_owned())
            .collect::<String>()
    };
    assert_eq!(ids(&all), "1234");
    assert!(all.get("nextPageToken").is_none());
    assert_eq!(all["resultSizeEstimate"], 0);
    let (_, _, some) = service.call(LIST, json!([{}, {"allPages": true, "maxItems": 2}])).await;
    assert_eq!((ids(&some).as_str(), &some["nextPageToken"]), ("12", &json!("p2")));
    assert!(server.calls().last().unwrap().uri.contains("maxResults=2"));
}

#[tokio::test]
async fn lists_beside_the_items_are_not_joined_and_loops_end() {
    let server = Server::api(|seen, _| {
        let more = !seen.uri.contains("pageToken");
        json_reply(200, json!({"items": [1], "defaultReminders": [{"m": 1}], "nextPageToken": if more { "b" } else { "" }, "nextSyncToken": "s"}))
    })
    .await;
    let (_, _, answer) = Service::new(&server, &[])
        .call("calendar.events.list", json!([{"calendarId": "c"}, {"allPages": true}]))
        .await;
    assert_eq!(
        answer,
        json!({"items": [1, 1], "defaultReminders": [{"m": 1}], "nextSyncToken": "s"})
    );

    let server =
        Server::api(|_, _| json_reply(200, json!({"users": [], "nextPageToken": "same"}))).await;
    let (status, _, answer) =
        Service::new(&server, &[]).call("admin.users.list", json!([{}, {"allPages": true}])).await;
    assert_eq!(status, 502);
    assert!(answer["error"].as_str().unwrap().contains("same page token twice"));
}
