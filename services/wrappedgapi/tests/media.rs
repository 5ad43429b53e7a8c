//! Bodies other than plain JSON, both ways.

use crate::support;

use serde_json::{Value, json};
use support::{Server, Service, json_reply, reply};

const LIST: &str = "gmail.users.messages.list";

#[tokio::test]
async fn empty_answers_are_empty_objects_and_empty_posts_have_a_length() {
    let server = Server::api(|_, _| reply(204, "")).await;
    let service = Service::new(&server, &[]);
    let (status, _, answer) =
        service.call("gmail.users.messages.trash", json!([{"id": "m"}])).await;
    assert_eq!((status, answer), (200, json!({})));
    assert_eq!(server.calls()[0].header("content-length"), "0");
    let (status, _, answer) = service.call("admin.users.delete", json!([{"userKey": "u"}])).await;
    assert_eq!((status, answer), (200, json!({})));
}

#[tokio::test]
async fn html_in_place_of_json_is_a_502() {
    let server =
        Server::api(|_, _| reply(200, "<html>hello</html>").with("content-type", "text/html"))
            .await;
    let (status, _, answer) = Service::new(&server, &[]).call(LIST, json!([])).await;
    assert_eq!((status, &answer["reason"]), (502, &json!("badAnswer")));
    assert!(answer["error"].as_str().unwrap().contains("text/html instead of JSON"));
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_swallowed_whole() {
    let server = Server::api(|_, _| reply(200, vec![b' '; 5000])).await;
    let service = Service::new(&server, &["--max-response-bytes", "1000"]);
    let (status, _, answer) = service.call(LIST, json!([])).await;
    assert_eq!(status, 502);
    assert!(answer["error"].as_str().unwrap().contains("GAPI_MAX_RESPONSE_BYTES"));
}

#[tokio::test]
async fn compressed_answers_are_read() {
    let server = Server::api(|_, _| {
        // gzip of {"a":1}
        let gz: &[u8] = &[
            31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 84, 178, 50, 172, 5, 0, 175, 172, 27, 86,
            7, 0, 0, 0,
        ];
        reply(200, gz).with("content-encoding", "gzip")
    })
    .await;
    let (status, _, answer) = Service::new(&server, &[]).call(LIST, json!([])).await;
    assert_eq!((status, answer), (200, json!({"a": 1})));
}

#[tokio::test]
async fn media_comes_back_as_base64() {
    let server =
        Server::api(|_, _| reply(200, vec![0xfb, 0xff]).with("content-type", "image/png")).await;
    let service = Service::new(&server, &[]);
    let expected = json!({"contentType": "image/png", "data": "+/8="});
    let (_, _, answer) =
        service.call("drive.files.get", json!([{"fileId": "f", "alt": "media"}])).await;
    assert_eq!(answer, expected);
    let (_, _, answer) =
        service.call("drive.files.export", json!([{"fileId": "f", "mimeType": "image/png"}])).await;
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn uploads_are_simple_multipart_or_resumable() {
    let server = Server::api(|seen, nth| match (seen.path.as_str(), nth) {
        ("/session", 0) => reply(503, ""),
        ("/session", 1) => reply(308, "").with("range", "bytes=0-2"),
        ("/session", _) => json_reply(200, json!({"id": "r"})),
        _ if seen.uri.contains("resumable") => reply(200, "").with("location", "/session"),
        _ => json_reply(200, json!({"id": "s"})),
    })
    .await;
    let service = Service::new(&server, &[]);
    let create = async |args: Value| service.call("drive.files.create", args).await.2;
    let media = |extra: Value| {
        let mut media = json!({"contentType": "text/plain", "body": "hello"});
        media.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"media": media})
    };
    assert_eq!(create(json!([{}, media(json!({}))])).await, json!({"id": "s"}));
    assert_eq!(create(json!([{"name": "n"}, media(json!({}))])).await, json!({"id": "s"}));
    assert_eq!(
        create(json!([{"name": "n"}, media(json!({"resumable": true}))])).await,
        json!({"id": "r"})
    );
    let calls = server.calls();
    assert_eq!(
        (calls[0].uri.as_str(), calls[0].text().as_str()),
        ("/upload/drive/v3/files?uploadType=media", "hello")
    );
    assert_eq!(calls[1].uri, "/upload/drive/v3/files?uploadType=multipart");
    assert!(calls[1].header("content-type").starts_with("multipart/related; boundary="));
    assert!(calls[1].text().contains(r#"{"name":"n"}"#) && calls[1].text().contains("hello"));
    assert_eq!(calls[2].header("x-upload-content-length"), "5");
    let chunks = server.seen("/session");
    let ranges: Vec<&str> = chunks.iter().map(|c| c.header("content-range")).collect();
    assert_eq!(ranges, ["bytes 0-4/5", "bytes */5", "bytes 3-4/5"]);
    assert_eq!(chunks[2].text(), "lo");
    assert!(chunks.iter().all(|c| c.header("authorization").starts_with("Bearer ya29")));
}
