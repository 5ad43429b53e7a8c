//! Tokens that must not get through, on every service; and the proof that they would without checks.

use crate::{
    common,
    hostile_tokens::{FORMAT, ISSUER, World, admin},
};

use common::{
    Headers, SECRET, SECRET_KEY, SERVICES, app, ask, config, every_key,
    jwks::AuthServer,
    token::{hs256, legacy, typical},
};
use http::StatusCode;
use serde_json::json;
use tasker_http::GateArgs;

async fn settings(world: &World) -> (GateArgs, AuthServer) {
    let auth = AuthServer::start(world.set()).await;
    let args = GateArgs {
        supabase_url: Some(auth.url.clone()),
        jwt_issuer: Some(ISSUER.to_owned()),
        ..every_key()
    };
    (args, auth)
}

#[tokio::test]
async fn no_hostile_token_gets_through_anywhere() {
    let world = World::new();
    let (args, _auth) = settings(&world).await;
    let app = app(&args);
    let hostile = world.hostile();
    assert!(hostile.len() >= 40, "{} only", hostile.len());
    for service in SERVICES {
        for (name, token, code) in &hostile {
            let bearer = format!("Bearer {token}");
            for headers in [&[("authorization", bearer.as_str())], &[("apikey", token.as_str())]] {
                let answer = ask(&app, "POST", &format!("/functions/v1/{service}"), headers).await;
                let seen = (answer.status, answer.code());
                assert_eq!(
                    seen,
                    (StatusCode::UNAUTHORIZED, (*code).to_owned()),
                    "{service}: {name}"
                );
                assert_eq!(answer.headers["sb-error-code"], *code, "{service}: {name}");
            }
        }
    }
    println!("{} tokens, 7 services, 2 headers: 0 accepted", hostile.len());
}

/// Hostile tokens do reach the service when nothing is checked, and gain nothing by that.
#[tokio::test]
async fn without_verify_jwt_they_are_anonymous() {
    let world = World::new();
    let (args, _auth) = settings(&world).await;
    let app = app(&GateArgs { verify_jwt: Some("false".into()), ..args });
    for (name, token, _) in world.hostile() {
        let bearer = format!("Bearer {token}");
        let headers: Headers = &[("authorization", &bearer)];
        let answer = ask(&app, "POST", "/tasks/execute", headers).await;
        assert_eq!(
            (answer.status, &answer.json()["role"]),
            (StatusCode::OK, &json!("anon")),
            "{name}"
        );
        let answer = ask(&app, "POST", "/wrappedkeystore", headers).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
    }
}

/// And with no keys at all they pass everywhere: the check is what stops them.
#[tokio::test]
async fn without_keys_they_pass() {
    let app = app(&config("[functions]"));
    for (name, token, _) in World::new().hostile() {
        let bearer = format!("Bearer {token}");
        let answer = ask(&app, "POST", "/wrappedkeystore", &[("authorization", &bearer)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn headers_that_say_two_things_say_nothing() {
    let app = app(&every_key());
    let (anon, service) = (legacy("anon"), legacy("service_role"));
    let (anon, service) = (format!("Bearer {anon}"), format!("Bearer {service}"));
    let basic = "Basic c2VydmljZTpyb2xl";
    let cases: [(&str, Headers, &str); 8] = [
        ("two authorizations", &[("authorization", &anon), ("authorization", &service)], FORMAT),
        ("the same one twice", &[("authorization", &service), ("authorization", &service)], FORMAT),
        ("two apikeys", &[("apikey", SECRET_KEY), ("apikey", SECRET_KEY)], FORMAT),
        ("basic", &[("authorization", basic)], FORMAT),
        (
            "basic with a good key beside it",
            &[("authorization", basic), ("apikey", SECRET_KEY)],
            FORMAT,
        ),
        ("no scheme", &[("authorization", SECRET_KEY)], FORMAT),
        ("scheme alone", &[("authorization", "Bearer ")], FORMAT),
        ("nothing", &[], "UNAUTHORIZED_NO_AUTH_HEADER"),
    ];
    for (name, headers, code) in cases {
        let answer = ask(&app, "POST", "/wrappedkeystore", headers).await;
        let seen = (answer.status, answer.code());
        assert_eq!(seen, (StatusCode::UNAUTHORIZED, code.to_owned()), "{name}");
    }
}

#[tokio::test]
async fn a_strange_algorithm_is_named_shortly_and_plainly() {
    let app = app(&every_key());
    let alg = format!("<script>\"{}", "x".repeat(400));
    let token = hs256(&typical(&alg), &admin(), SECRET.as_bytes());
    let answer = ask(&app, "POST", "/tasks/execute", &[("apikey", &token)]).await;
    assert_eq!(answer.json()["message"], "Unsupported JWT algorithm scriptxxxxxxxxxx");
}
