//! Requests that no honest client sends, byte by byte, against a real server.

use crate::common;

use std::net::SocketAddr;

use common::{
    SECRET_KEY, app, every_key,
    raw::{Socket, exchange, post, statuses},
    send, services, start,
};

async fn server() -> SocketAddr {
    start(app(&every_key())).await
}

fn with_key(path: &str, headers: &str, body: &str) -> String {
    post(path, &format!("apikey: {SECRET_KEY}\r\n{headers}"), body)
}

/// Head without a body, as it stands.
fn head(line: &str, headers: &str) -> String {
    format!("{line}\r\nhost: x\r\napikey: {SECRET_KEY}\r\n{headers}\r\n")
}

/// The server is there, quick, and knows what it did before.
async fn healthy(to: SocketAddr) {
    let answer = exchange(to, with_key("/tasks/json", "", "{\"a\":1}")).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("{\"a\":1}"), "{answer}");
}

#[tokio::test]
async fn bodies_that_are_no_json() {
    let to = server().await;
    let deep = "[".repeat(100_000);
    let cases: [(&str, &[u8], u16); 9] = [
        ("truncated", b"{\"a\":", 400),
        ("a word", b"hello", 400),
        ("empty", b"", 400),
        ("two values", b"{} {}", 400),
        ("invalid UTF-8", b"{\"a\":\"\xff\xfe\"}", 400),
        ("byte order mark", b"\xef\xbb\xbf{}", 400),
        ("NUL", b"\0", 400),
        ("100,000 levels", deep.as_bytes(), 400),
        ("good", b"{}", 200),
    ];
    for (name, body, status) in cases {
        let mut bytes = with_key("/tasks/json", "content-type: text/csv\r\n", "").into_bytes();
        let length = format!("content-length: {}\r\n", body.len());
        bytes = String::from_utf8(bytes)
            .unwrap()
            .replace("content-length: 0\r\n", &length)
            .into_bytes();
        bytes.extend_from_slice(body);
        let answer = exchange(to, bytes).await;
        assert_eq!(statuses(&answer), [status], "{name}: {answer}");
        assert!(status == 200 || answer.contains("\"error\":"), "{name}: {answer}");
        silent_about_itself(&answer);
    }
    healthy(to).await;
}

fn silent_about_itself(answer: &str) {
    for word in [SECRET_KEY, common::SECRET, "panicked", ".rs:", "/src/", "select ", "backtrace"] {
        assert!(!answer.contains(word), "{word} in {answer}");
    }
}

/// What the head of a request can be made of. Several statuses: whichever, it is the client's fault.
#[tokio::test]
async fn heads_that_nobody_means() {
    let to = server().await;
    let big = format!("x-big: {}\r\n", "a".repeat(100_000));
    let many: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
    let query = (0..10_000).map(|n| format!("p{}=1&", n % 10)).collect::<String>();
    let path = format!("GET /{} HTTP/1.1", "a".repeat(70_000));
    let line = "POST /tasks/bytes HTTP/1.1";
    let close = "connection: close\r\n";
    let cases = [
        ("100 KB in one header", head(line, &big), vec![431]),
        ("200 headers", head(line, &many), vec![431]),
        (
            "10,000 parameters",
            head(&format!("GET /tasks/status?{query} HTTP/1.1"), close),
            vec![200],
        ),
        ("an endless path", head(&path, ""), vec![414, 431]),
        ("two lengths", head(line, "content-length: 1\r\ncontent-length: 2\r\n") + "xx", vec![400]),
        ("a negative length", head(line, "content-length: -1\r\n"), vec![400]),
        ("a length with a sign", head(line, "content-length: +1\r\n") + "x", vec![400]),
        (
            "an endless length",
            head(line, "content-length: 99999999999999999999\r\n"),
            vec![400, 413],
        ),
        ("gzip as transfer encoding", head(line, "transfer-encoding: gzip\r\n"), vec![400]),
        ("chunked not last", head(line, "transfer-encoding: chunked, identity\r\n"), vec![400]),
        ("a space in a name", head(line, "bad name: 1\r\n"), vec![400]),
        ("a line end in a value", head(line, "x: 1\rhost: y\r\n"), vec![400]),
        ("no HTTP", "\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), vec![400]),
        ("a version of its own", "GET /tasks HTTP/9.9\r\n\r\n".to_owned(), vec![400]),
        ("a method of its own", head("BREW /tasks HTTP/1.1", close), vec![405]),
        ("CONNECT", head("CONNECT x:443 HTTP/1.1", close), vec![404, 405]),
        (
            "a gzip bomb",
            with_key("/tasks/bytes", "content-encoding: gzip\r\n", "\u{1f}"),
            vec![415],
        ),
        (
            "two encodings",
            with_key("/tasks/bytes", "content-encoding: identity, br\r\n", "x"),
            vec![415],
        ),
        ("identity", with_key("/tasks/bytes", "content-encoding: identity\r\n", "x"), vec![200]),
    ];
    for (name, bytes, expected) in cases {
        let answer = exchange(to, bytes).await;
        let seen = statuses(&answer);
        assert!(seen.len() == 1 && expected.contains(&seen[0]), "{name}: {answer}");
        silent_about_itself(&answer);
    }
    healthy(to).await;
}

/// A second request hidden in the first one's body is never answered.
#[tokio::test]
async fn nothing_is_smuggled() {
    let to = server().await;
    let hidden = "GET /tasks/health HTTP/1.1\r\nhost: x\r\n\r\n";
    let chunked = format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
    for order in [
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
    ] {
        let bytes = head("POST /tasks/bytes HTTP/1.1", order) + &chunked;
        let answer = exchange(to, bytes).await;
        assert_eq!(statuses(&answer).len(), 1, "{answer}");
        assert!(answer.ends_with(&hidden.len().to_string()) || answer.contains("400"), "{answer}");
        // What follows the body after both headers is not read as a request either.
        let bytes = head("POST /tasks/bytes HTTP/1.1", order) + "0\r\n\r\n" + hidden;
        assert_eq!(statuses(&exchange(to, bytes).await).len(), 1);
    }
    // Control: without the second header the next request on the connection is answered.
    let last = hidden.replace("host: x\r\n", "host: x\r\nconnection: close\r\n");
    let bytes =
        head("POST /tasks/bytes HTTP/1.1", "transfer-encoding: chunked\r\n") + &chunked + &last;
    assert_eq!(statuses(&exchange(to, bytes).await), [200, 200]);
    healthy(to).await;
}

#[tokio::test]
async fn chunks_that_are_bombs() {
    let to = server().await;
    let line = "POST /tasks/bytes HTTP/1.1";
    let chunked = head(line, "transfer-encoding: chunked\r\nconnection: close\r\n");
    let crumbs = chunked.clone() + &"1\r\nx\r\n".repeat(100_000) + "0\r\n\r\n";
    let answer = exchange(to, crumbs).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("100000"), "{answer}");
    let cases = [
        ("size beyond 64 bits", "fffffffffffffffff\r\nx".to_owned()),
        ("size is a word", "many\r\nx".to_owned()),
        ("extension of 1 MB", format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(1 << 20))),
        ("trailers of 1 MB", format!("1\r\nx\r\n0\r\nt: {}\r\n\r\n", "t".repeat(1 << 20))),
    ];
    for (name, body) in cases {
        let answer = exchange(to, chunked.clone() + &body).await;
        assert!(
            !answer.contains("HTTP/1.1 5") && !answer.contains("HTTP/1.1 200"),
            "{name}: {answer}"
        );
    }
    healthy(to).await;
}

#[tokio::test]
async fn bodies_beyond_the_limit() {
    let to = server().await;
    let app = app(&every_key());
    let limit = 12 << 20;
    for (path, body) in [
        ("/tasks/json", format!("\"{}\"", "x".repeat(limit))),
        ("/tasks/bytes", "x".repeat(limit + 1)),
    ] {
        let answer = send(&app, "POST", path, &[("apikey", SECRET_KEY)], &body).await;
        let seen = (answer.status.as_u16(), answer.code());
        assert_eq!(seen, (413, "PAYLOAD_TOO_LARGE".to_owned()), "{path}");
        // A client that sends everything before it reads sees the answer too, not a reset.
        let answer = exchange(to, with_key(path, "", &body)).await;
        assert_eq!(statuses(&answer), [413], "{path}");
    }
    let far = "x".repeat(4 * limit);
    assert_eq!(statuses(&exchange(to, with_key("/tasks/bytes", "", &far)).await), [413]);
    let stranger = exchange(to, post("/tasks/json", "apikey: nobody\r\n", &far)).await;
    assert_eq!(statuses(&stranger), [401]);
    let fits = "x".repeat(limit);
    let answer = exchange(to, with_key("/tasks/bytes", "", &fits)).await;
    assert_eq!(statuses(&answer), [200]);
    healthy(to).await;
}

#[tokio::test]
async fn clients_that_leave() {
    let to = server().await;
    let full = with_key("/tasks/slow", "", "{}");
    let cut = head("POST /tasks/json HTTP/1.1", "content-length: 1000\r\n") + "{";
    for bytes in [full, cut, "POST /ta".to_owned(), String::new()] {
        for _ in 0..50 {
            Socket::open(to).await.write(&bytes).await;
        }
        // Half closed: the server ends it at once and is none the worse.
        let mut half = Socket::open(to).await;
        half.write(&bytes).await;
        tokio::io::AsyncWriteExt::shutdown(&mut half.0).await.unwrap();
        let (answer, closed) = half.within(std::time::Duration::from_secs(5)).await;
        assert!(closed && !answer.contains("HTTP/1.1 5"), "{bytes}: {answer}");
        healthy(to).await;
    }
}

/// The checks are the server's, not the libraries': without them the same requests do get through.
#[tokio::test]
async fn a_bare_server_takes_more() {
    let listener = tokio::net::TcpListener::bind((common::LOOPBACK, 0)).await.unwrap();
    let to = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, services()).await });
    let bomb = with_key("/tasks/bytes", "content-encoding: gzip\r\n", "x");
    assert_eq!(statuses(&exchange(to, bomb).await), [200]);
    let big = head(
        "POST /tasks/bytes HTTP/1.1",
        &format!("connection: close\r\nx: {}\r\n", "a".repeat(100_000)),
    );
    assert_eq!(statuses(&exchange(to, big).await), [200]);
    let wrong = exchange(to, with_key("/tasks/bytes", "", &"x".repeat(3 << 20))).await;
    assert!(!wrong.contains("\"error\""), "{wrong}");
}
