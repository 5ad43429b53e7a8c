//! Web servers to fetch from: two origins that count what reaches them, and one that speaks no
//! HTTP.
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// "packed text" three times.
const GZIP: &str = "1f8b08000000000002032b484cce4e4d512849ad28d15128c0c10100ccccaf3c25000000";
const BROTLI: &str = "1b2400f8c52947da3c95d6a3cb217810150dac933783e64b00";

/// Requests by path and query.
pub type Seen = Arc<Mutex<HashMap<String, u32>>>;

/// The servers.
pub struct Web {
    /// First origin.
    pub a: String,
    /// Second origin.
    pub b: String,
    /// Answers what is no HTTP, and `/close` nothing at all.
    pub raw: String,
    /// Nobody listens there.
    pub dead: String,
    /// What reached `a` and `b`.
    pub seen: Seen,
}

impl Web {
    /// Starts them.
    pub async fn start() -> Self {
        let seen = Seen::default();
        let (a, b) = (serve(seen.clone()).await, serve(seen.clone()).await);
        let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        Self { a: url(a), b: url(b), raw: url(garbage().await), dead: url(dead), seen }
    }

    /// What the settings of the egress service must allow.
    pub fn allowed(&self) -> String {
        [&self.a, &self.b, &self.raw, &self.dead].map(|u| u.replace("http://", "")).join(",")
    }

    /// As the checks take it.
    pub fn env(&self) -> Value {
        json!({ "a": self.a, "b": self.b, "raw": self.raw, "dead": self.dead })
    }

    /// How often `path` was asked for.
    pub fn count(&self, path: &str) -> u32 {
        self.seen.lock().unwrap().get(path).copied().unwrap_or(0)
    }

    /// All counts of paths that start so.
    pub fn counts(&self, start: &str) -> BTreeMap<String, u32> {
        let seen = self.seen.lock().unwrap();
        let these = seen.iter().filter(|(path, _)| path.starts_with(start));
        these.map(|(path, n)| (path.clone(), *n)).collect()
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

async fn garbage() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            if !request.starts_with(b"GET /close") {
                let _ = stream.write_all(b"This is no HTTP\r\n\r\n").await;
            }
        }
    });
    address
}

/// One origin on a free port.
pub async fn serve(seen: Seen) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes(seen)).await });
    address
}

fn routes(seen: Seen) -> Router {
    let count = |State(seen): State<Seen>,
                 uri: Uri,
                 request: axum::extract::Request,
                 next: axum::middleware::Next| async move {
        let path = uri.path_and_query().map_or("", |p| p.as_str()).to_owned();
        *seen.lock().unwrap().entry(path).or_default() += 1;
        next.run(request).await
    };
    Router::new()
        .route("/hello", get("hello, world"))
        .route("/echo", any(echo))
        .route("/mirror", any(mirror))
        .route("/method", any(|method: Method| async move { [("x-method", method.to_string())] }))
        .route("/where{*rest}", any(located))
        .route("/where", any(located))
        .route("/bytes", get(bytes))
        .route("/status/{status}", any(status))
        .route("/redirect/{status}", any(redirect))
        .route("/chain/{n}", any(chain))
        .route("/loop", any(|| async { to(StatusCode::FOUND, "/loop") }))
        .route("/headers", get(headers))
        .route("/packed/{coding}", get(packed))
        .route("/slow", any(slow))
        .route("/truncated", any(truncated))
        .route("/busy/{key}", any(busy))
        .merge(bodies())
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(axum::middleware::from_fn_with_state(seen.clone(), count))
        .with_state(seen)
}

/// Answers that never change.
fn bodies() -> Router<Seen> {
    const FORM: &str = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX\r\nContent-Disposition: form-data; name=\"dup\"\r\n\r\nx\r\n--XX\r\nContent-Disposition: form-data; name=\"dup\"\r\n\r\ny\r\n--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n.txt\"\r\nContent-Type: text/csv\r\n\r\nq,r\r\n--XX--\r\n";
    let fixed = |kind: &'static str, body: &'static [u8]| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], body) })
    };
    Router::new()
        .route("/json", fixed("application/json", br#"{"a":[1,2,{"b":null}]}"#))
        .route("/bom", fixed("application/json", b"\xef\xbb\xbf{\"a\":1}"))
        .route("/latin1", fixed("text/plain", b"caf\xe9 \xff"))
        .route("/utf8", fixed("text/plain", "h\u{e9}llo \u{1f600}".as_bytes()))
        .route("/typed", fixed("Text/HTML; Charset=utf-8", b"<p>"))
        .route("/empty", fixed("text/plain", b""))
        .route("/form", fixed("multipart/form-data; boundary=XX", FORM.as_bytes()))
        .route("/broken-form", fixed("multipart/form-data; boundary=XX", b"--XX\r\nno end"))
        .route("/urlencoded", fixed("application/x-www-form-urlencoded", b"a=b+c&d=%C3%A9&d="))
        .route(
            "/pieces",
            get(|| async {
                Body::from_stream(futures::stream::iter(
                    ["one ", "two ", "three"].map(Ok::<_, Infallible>),
                ))
            }),
        )
        .route(
            "/reason",
            get(|| async {
                let mut response = "ok".into_response();
                response
                    .extensions_mut()
                    .insert(hyper::ext::ReasonPhrase::from_static(b"Very Fine"));
                response
            }),
        )
}

async fn echo(method: Method, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let one = |name: &str| {
        headers.get(name).map(|v| v.as_bytes().iter().copied().map(char::from).collect::<String>())
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let seen: BTreeMap<&str, Option<String>> =
        ["x-a", "x-two", "x-latin"].into_iter().map(|n| (n, one(n))).collect();
    Json(json!({
        "method": method.as_str(), "body": hex(&body), "type": one("content-type"),
        "length": one("content-length"), "accept": one("accept"), "gzip": one("accept-encoding").is_some_and(|e| e.contains("gzip")),
        "authorization": one("authorization"), "cookie": one("cookie"), "headers": seen,
    }))
}

async fn mirror(headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).cloned();
    ([(header::CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("none")))], body)
        .into_response()
}

async fn located(uri: Uri) -> String {
    uri.path_and_query().map_or("", |p| p.as_str()).to_owned()
}

async fn bytes(Query(query): Query<HashMap<String, usize>>) -> Response {
    let body: Vec<u8> = (0..query["n"]).map(|i| (i & 255) as u8).collect();
    ([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response()
}

async fn status(Path(status): Path<u16>) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    let bare = matches!(status.as_u16(), 204 | 205 | 304);
    (status, if bare { String::new() } else { format!("this is {}", status.as_u16()) })
        .into_response()
}

fn to(status: StatusCode, location: &str) -> Response {
    (status, [(header::LOCATION, location)], "elsewhere").into_response()
}

async fn redirect(Path(status): Path<u16>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    to(StatusCode::from_u16(status).unwrap(), query.strip_prefix("to=").unwrap_or("/hello"))
}

async fn chain(Path(n): Path<u32>) -> Response {
    match n {
        0 => "arrived".into_response(),
        n => to(StatusCode::FOUND, &format!("/chain/{}", n - 1)),
    }
}

async fn headers() -> Response {
    let mut response = "x".into_response();
    for (name, value) in [
        ("x-many", &b"1"[..]),
        ("x-many", b"2"),
        ("set-cookie", b"a=1; Path=/"),
        ("set-cookie", b"b=2"),
        ("x-latin", b"caf\xe9"),
        ("x-empty", b""),
    ] {
        response.headers_mut().append(name, HeaderValue::from_bytes(value).unwrap());
    }
    response
}

async fn packed(Path(coding): Path<String>) -> Response {
    let unhex = |t: &str| {
        (0..t.len() / 2)
            .map(|i| u8::from_str_radix(&t[2 * i..2 * i + 2], 16).unwrap())
            .collect::<Vec<u8>>()
    };
    let (name, body) = match coding.as_str() {
        "gzip" => ("gzip", unhex(GZIP)),
        "br" => ("br", unhex(BROTLI)),
        "broken" => ("gzip", b"this is not packed".to_vec()),
        "bomb" => ("gzip", bomb()),
        _ => ("x-nothing-known", b"as it is".to_vec()),
    };
    ([(header::CONTENT_ENCODING, name)], body).into_response()
}

/// 64 MiB of zeros, packed.
fn bomb() -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, &vec![0; 64 << 20]).unwrap();
    packed.finish().unwrap()
}

async fn slow(Query(query): Query<HashMap<String, String>>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(query["ms"].parse().unwrap())).await;
    "slow"
}

/// 503 twice for each key, with Retry-After once.
async fn busy(State(seen): State<Seen>, uri: Uri) -> Response {
    match seen.lock().unwrap()[uri.path()] {
        1 => {
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "0")], "busy").into_response()
        }
        2 => (StatusCode::SERVICE_UNAVAILABLE, "busy").into_response(),
        n => Json(json!({ "after": n })).into_response(),
    }
}

/// An answer that breaks off.
async fn truncated() -> Response {
    let parts = [Ok(b"begun".as_slice()), Err(std::io::Error::other("broken off"))];
    let body = Body::from_stream(futures::stream::iter(parts));
    ([(header::CONTENT_LENGTH, "100")], body).into_response()
}
