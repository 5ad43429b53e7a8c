//! Keys, tokens and servers for the gate's tests. Everything is made here; nothing is faked.

pub mod jwks;
pub mod raw;
pub mod token;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{Json, Router, body::Body, extract::Request, routing::any};

use serde_json::{Value, json};
pub use tasker_core::call::SERVICES;
use tasker_http::{Caller, Gate, GateArgs, JsonBody, mount};
use tasker_testkit::app;
pub use tasker_testkit::app::Answer;

pub const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The public values of a local Supabase.
pub const SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";
pub const PUBLISHABLE: &str = "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH";
pub const SECRET_KEY: &str = "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz";

/// All kinds of keys at once.
pub fn every_key() -> GateArgs {
    GateArgs {
        jwt_secret: Some(SECRET.into()),
        anon_key: Some(token::legacy("anon").as_str().into()),
        service_role_key: Some(token::legacy("service_role").as_str().into()),
        publishable_keys: Some(json!({ "default": PUBLISHABLE }).to_string().as_str().into()),
        secret_keys: Some(json!({ "default": SECRET_KEY }).to_string().as_str().into()),
        ..config("[functions]")
    }
}

/// No keys, and a config.toml with this text.
pub fn config(text: &str) -> GateArgs {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    let name = format!("tasker-gate-{}-{:x}.toml", std::process::id(), hash.finish());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, text).unwrap();
    GateArgs { supabase_config: Some(path), ..GateArgs::default() }
}

/// Services that answer who called them.
pub fn app(args: &GateArgs) -> Router {
    tasker_http::install_crypto();
    tasker_http::with_gate(services(), Gate::new(args, LOOPBACK).unwrap())
}

pub fn services() -> Router {
    SERVICES.iter().fold(Router::new(), |all, name| all.merge(mount(name, echo())))
}

fn echo() -> Router {
    Router::new()
        .route("/json", axum::routing::post(|JsonBody(body): JsonBody<Value>| async { Json(body) }))
        .route(
            "/bytes",
            axum::routing::post(|body: axum::body::Bytes| async move { body.len().to_string() }),
        )
        .route(
            "/slow",
            any(async || {
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                "done"
            }),
        )
        .route("/panic", any(async || -> String { panic!("on purpose") }))
        .fallback(who)
}

async fn who(caller: Caller, request: Request) -> Json<Value> {
    let names: Vec<&str> = request.headers().keys().map(http::HeaderName::as_str).collect();
    Json(json!({
        "role": caller.role.as_str(),
        "subject": caller.subject,
        "owner": caller.owner(),
        "claims": *caller.claims,
        "headers": names,
    }))
}

pub type Headers<'a> = &'a [(&'a str, &'a str)];

pub async fn ask(app: &Router, method: &str, path: &str, headers: Headers<'_>) -> Answer {
    send(app, method, path, headers, "{}").await
}

pub async fn send(
    app: &Router,
    method: &str,
    path: &str,
    headers: Headers<'_>,
    body: &str,
) -> Answer {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app::send(app, request.body(Body::from(body.to_owned())).unwrap()).await
}

/// A real server on a free port.
pub async fn start(routes: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { tasker_http::serve(listener, routes, std::future::pending()).await });
    address
}
