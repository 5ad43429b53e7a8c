//! What peers send goes straight to its handler, and only what peers send.

use std::net::SocketAddr;

use axum::response::IntoResponse as _;
use tasker_http::{Direct, Gate, serve_behind};

use crate::common::{LOOPBACK, PUBLISHABLE, SECRET_KEY, every_key, services, token};

const PATH: &str = "/functions/v1/wrappedgapi/json";

/// Services, and a handler of its own for one path of one of them.
async fn start() -> SocketAddr {
    tasker_http::install_crypto();
    let gate = Gate::new(&every_key(), LOOPBACK).unwrap();
    let direct = Direct::default()
        .with("wrappedgapi", "/json", async |_, body| body.into_response())
        .with("wrappedgapi", "/panic", async |_, _| panic!("on purpose"));
    let listener = tokio::net::TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_behind(listener, (services(), direct), gate, std::future::pending()));
    address
}

/// Status, and whether the layers for the outside were passed.
async fn ask(at: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, bool) {
    let mut request = reqwest::Client::new().post(format!("http://{at}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(body.to_owned()).send().await.unwrap();
    let layers = answer.headers().contains_key("access-control-allow-origin");
    (answer.status().as_u16(), layers)
}

const MARK: (&str, &str) = ("x-tasker-direct", "1");

#[tokio::test]
async fn a_peer_goes_straight_to_the_handler() {
    let at = start().await;
    let service_role = token::legacy("service_role");
    for key in [SECRET_KEY, service_role.as_str()] {
        assert_eq!(ask(at, PATH, &[MARK, ("apikey", key)], "{}").await, (200, false));
    }
    let panics = PATH.replace("json", "panic");
    assert_eq!(ask(at, &panics, &[MARK, ("apikey", SECRET_KEY)], "{}").await, (500, false));
}

#[tokio::test]
async fn everything_else_passes_the_layers() {
    let at = start().await;
    let anon = token::legacy("anon");
    for (headers, status) in [
        // Says that it is a peer, and shows nothing, or a key that is not a service's.
        (vec![MARK], 401),
        (vec![MARK, ("apikey", PUBLISHABLE)], 403),
        (vec![MARK, ("apikey", anon.as_str())], 403),
        (vec![MARK, ("apikey", "sb_secret_of_somebody_else")], 401),
        // A person with the service key.
        (vec![("apikey", SECRET_KEY)], 200),
    ] {
        assert_eq!(ask(at, PATH, &headers, "{}").await, (status, true), "{headers:?}");
    }
    let peer = [MARK, ("apikey", SECRET_KEY)];
    for (path, status) in [
        (format!("{PATH}?a=1"), 200),
        (format!("{PATH}/"), 200),
        ("/wrappedgapi/json".to_owned(), 200),
        ("/functions/v1/wrappedgapi".to_owned(), 200),
    ] {
        assert_eq!(ask(at, &path, &peer, "{}").await, (status, true), "{path}");
    }
}

#[tokio::test]
async fn a_long_body_is_for_the_layers_to_judge() {
    let at = start().await;
    let long = format!("\"{}\"", "x".repeat(13 << 20));
    let peer = [MARK, ("apikey", SECRET_KEY)];
    assert_eq!(ask(at, PATH, &peer, &long).await, (413, true));
}
