//! Who gets in, with what, and where.

use crate::common;

use common::{
    Answer, Headers, PUBLISHABLE, SECRET, SECRET_KEY, SERVICES, app, ask, config, every_key,
    jwks::AuthServer,
    token::{self, Es256, hs256, legacy, now, rs256, typical, user, user_with},
};
use http::StatusCode;
use serde_json::{Value, json};
use tasker_http::GateArgs;

async fn role(app: &axum::Router, path: &str, headers: Headers<'_>) -> Result<String, StatusCode> {
    let answer = ask(app, "POST", path, headers).await;
    if answer.status != StatusCode::OK {
        return Err(answer.status);
    }
    Ok(answer.json()["role"].as_str().unwrap().to_owned())
}

/// Every way in which Supabase's clients and gateways have sent keys.
#[tokio::test]
async fn every_combination_of_headers() {
    let app = app(&GateArgs { trust_sb_api_key: true, ..every_key() });
    let (anon, service) = (legacy("anon"), legacy("service_role"));
    let user = hs256(&typical("HS256"), &user(), SECRET.as_bytes());
    let bearer = |token: &str| format!("Bearer {token}");
    let [b_anon, b_service, b_user, b_pub, b_secret] =
        [&anon, &service, &user, PUBLISHABLE, SECRET_KEY].map(bearer);
    let lower = format!("bearer {service}");
    let cases: [(&str, Headers, &str); 18] = [
        ("legacy anon, both", &[("authorization", &b_anon), ("apikey", &anon)], "anon"),
        ("legacy anon, Authorization", &[("authorization", &b_anon)], "anon"),
        ("legacy anon, apikey", &[("apikey", &anon)], "anon"),
        (
            "legacy service, both",
            &[("authorization", &b_service), ("apikey", &service)],
            "service_role",
        ),
        ("legacy service, apikey", &[("apikey", &service)], "service_role"),
        ("scheme in small letters", &[("authorization", &lower)], "service_role"),
        ("new client, publishable", &[("apikey", PUBLISHABLE)], "anon"),
        ("new client, secret", &[("apikey", SECRET_KEY)], "service_role"),
        ("2.109, publishable", &[("authorization", &b_pub), ("apikey", PUBLISHABLE)], "anon"),
        ("2.109, secret", &[("authorization", &b_secret), ("apikey", SECRET_KEY)], "service_role"),
        ("secret as bearer alone", &[("authorization", &b_secret)], "service_role"),
        (
            "signed in, publishable",
            &[("authorization", &b_user), ("apikey", PUBLISHABLE)],
            "authenticated",
        ),
        ("signed in, legacy", &[("authorization", &b_user), ("apikey", &anon)], "authenticated"),
        (
            "a user is not more by a key beside",
            &[("authorization", &b_user), ("apikey", SECRET_KEY)],
            "authenticated",
        ),
        ("newer gateway, anon", &[("sb-api-key", &b_anon), ("apikey", PUBLISHABLE)], "anon"),
        (
            "newer gateway, secret",
            &[("sb-api-key", &b_service), ("apikey", SECRET_KEY)],
            "service_role",
        ),
        ("newer gateway, raw key", &[("sb-api-key", &service)], "service_role"),
        (
            "newer gateway, signed in",
            &[("authorization", &b_user), ("sb-api-key", &b_anon)],
            "authenticated",
        ),
    ];
    for (name, headers, expected) in cases {
        assert_eq!(
            role(&app, "/functions/v1/tasks/execute", headers).await,
            Ok(expected.into()),
            "{name}"
        );
    }
}

#[tokio::test]
async fn sb_api_key_means_nothing_unless_a_gateway_sets_it() {
    let service = legacy("service_role");
    let headers: Headers = &[("sb-api-key", &service)];
    assert_eq!(role(&app(&every_key()), "/tasks", headers).await, Err(StatusCode::UNAUTHORIZED));
    let trusting = app(&GateArgs { trust_sb_api_key: true, ..every_key() });
    assert_eq!(role(&trusting, "/tasks", headers).await, Ok("service_role".into()));
    let seen = ask(&trusting, "POST", "/tasks", headers).await.json();
    assert!(!seen["headers"].to_string().contains("sb-api-key"), "{seen}");
}

/// docs/auth.md, as a test: method, path, what anon, a user and the service are answered.
#[tokio::test]
async fn who_may_call_what() {
    let app = app(&every_key());
    let user = format!("Bearer {}", hs256(&typical("HS256"), &user(), SECRET.as_bytes()));
    const OPEN: [u16; 4] = [200, 200, 200, 200];
    const CLIENT: [u16; 4] = [401, 200, 200, 200];
    const SERVICE: [u16; 4] = [401, 403, 403, 200];
    let mut table = vec![
        ("POST", "/tasks".to_owned(), CLIENT),
        ("POST", "/tasks/".to_owned(), CLIENT),
        ("POST", "/tasks/execute".to_owned(), CLIENT),
        ("GET", "/tasks/status?id=1".to_owned(), CLIENT),
        ("GET", "/tasks/status/1".to_owned(), CLIENT),
        ("POST", "/tasks/status/1".to_owned(), SERVICE),
        ("GET", "/tasks/status/1/x".to_owned(), SERVICE),
        ("GET", "/tasks/status/".to_owned(), SERVICE),
        ("POST", "/tasks/publish".to_owned(), SERVICE),
        ("POST", "/tasks/execute/../publish".to_owned(), SERVICE),
        ("POST", "/tasks/%65xecute".to_owned(), SERVICE),
        ("POST", "/tasks//".to_owned(), CLIENT),
        ("GET", "/tasks/runs".to_owned(), SERVICE),
        ("GET", "/tasks/logs?task_id=1".to_owned(), CLIENT),
        ("GET", "/tasks/list".to_owned(), SERVICE),
        ("GET", "/tasks/schema?task=x".to_owned(), SERVICE),
        ("DELETE", "/tasks/execute".to_owned(), SERVICE),
    ];
    for name in SERVICES {
        table.push(("GET", format!("/{name}/health"), OPEN));
        table.push(("HEAD", format!("/{name}/health"), OPEN));
        table.push(("GET", format!("/{name}"), OPEN));
        if name != "tasks" {
            let paths = ["", "/", "/execute", "/resume", "/health", "/status/1"];
            table.extend(paths.map(|path| ("POST", format!("/{name}{path}"), SERVICE)));
        }
    }
    for (method, path, expected) in table {
        let callers: [Headers; 4] = [
            &[],
            &[("apikey", PUBLISHABLE)],
            &[("authorization", &user)],
            &[("apikey", SECRET_KEY)],
        ];
        for prefix in ["", "/functions/v1"] {
            for (headers, expected) in callers.iter().zip(expected) {
                let answer = ask(&app, method, &format!("{prefix}{path}"), headers).await;
                assert_eq!(answer.status, expected, "{method} {prefix}{path} {headers:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_is_readable_by_every_generation_of_clients() {
    let app = app(&every_key());
    let answer = ask(&app, "POST", "/wrappedgapi", &[("apikey", PUBLISHABLE)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let body = answer.json();
    assert_eq!(body["code"], "FORBIDDEN");
    assert_eq!([&body["msg"], &body["error"]], [&body["message"]; 2]);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    for path in
        ["/", "/functions/v1", "/functions/v1/", "/nobody", "/functions/v1/nobody/x", "/Tasks"]
    {
        let answer = ask(&app, "POST", path, &[]).await;
        let seen = (answer.status, answer.json()["error"].clone());
        assert_eq!(seen, (StatusCode::NOT_FOUND, json!("Function not found")), "{path}");
    }
}

#[tokio::test]
async fn handlers_learn_who_calls() {
    let app = app(&every_key());
    let execute =
        async |headers: Headers<'_>| ask(&app, "POST", "/tasks/execute", headers).await.json();
    let claims = user_with(json!({ "email": "ada@example.com" }));
    let bearer = format!("Bearer {}", hs256(&typical("HS256"), &claims, SECRET.as_bytes()));
    let user = execute(&[("authorization", &bearer)]).await;
    assert_eq!([&user["subject"], &user["owner"]], [token::USER; 2]);
    assert_eq!(user["claims"]["email"], "ada@example.com");
    let anon = execute(&[("apikey", PUBLISHABLE)]).await;
    assert_eq!((&anon["subject"], &anon["owner"]), (&Value::Null, &json!("")));
    assert_eq!(anon["claims"], json!({ "role": "anon" }));
    let service = execute(&[("apikey", SECRET_KEY)]).await;
    assert_eq!(service["owner"], Value::Null);
    let custom = user_with(json!({ "role": "dashboard_admin" }));
    let bearer = format!("Bearer {}", hs256(&typical("HS256"), &custom, SECRET.as_bytes()));
    assert_eq!(execute(&[("authorization", &bearer)]).await["role"], "authenticated");
}

/// The processor says by a header whose call a run is: nobody else may.
#[tokio::test]
async fn only_services_speak_for_services() {
    let app = app(&every_key());
    for (key, kept) in [(PUBLISHABLE, false), (SECRET_KEY, true)] {
        let headers: Headers = &[("apikey", key), ("x-tasker-parent", "{}"), ("x-region", "any")];
        let seen = ask(&app, "POST", "/tasks/execute", headers).await.json()["headers"].to_string();
        assert_eq!(seen.contains("x-tasker-parent"), kept, "{seen}");
        assert!(seen.contains("x-region"));
    }
}

#[tokio::test]
async fn clocks_may_differ_by_thirty_seconds() {
    let app = app(&every_key());
    let cases = [
        (json!({ "exp": now() - 20 }), true),
        (json!({ "exp": now() - 45 }), false),
        (json!({ "nbf": now() + 20 }), true),
        (json!({ "nbf": now() + 45 }), false),
    ];
    for (change, fine) in cases {
        let token = hs256(&typical("HS256"), &user_with(change.clone()), SECRET.as_bytes());
        let answer = role(&app, "/tasks", &[("apikey", &token)]).await;
        assert_eq!(answer.is_ok(), fine, "{change}");
    }
}

/// Each kind of key alone turns the check on and is enough.
#[tokio::test]
async fn each_setting_alone() {
    let (es, none) = (Es256::new("k"), config("[functions]"));
    let service = || Some(SECRET_KEY.into());
    let set = json!({ "keys": [es.jwk(), rs256().jwk()] }).to_string();
    let one = GateArgs { secret_key: service(), ..none.clone() };
    let admin = user_with(json!({ "role": "service_role" }));
    let jwks = GateArgs { jwks: Some(set.as_str().into()), ..one.clone() };
    let secret = GateArgs { jwt_secret: Some(SECRET.into()), ..one.clone() };
    let plain = GateArgs { plain_jwt_secret: Some(SECRET.into()), ..one.clone() };
    let role_key =
        GateArgs { service_role_key: Some(legacy("service_role").as_str().into()), ..none };
    let cases = [
        ("secret key", &one, SECRET_KEY.to_owned()),
        ("service role key", &role_key, legacy("service_role")),
        ("JWT secret", &secret, hs256(&typical("HS256"), &admin, SECRET.as_bytes())),
        ("JWT secret under its plain name", &plain, legacy("service_role")),
        ("key set, ES256", &jwks, es.token(&admin)),
        ("key set, RS256", &jwks, rs256().token(&admin)),
    ];
    for (name, args, key) in cases {
        let app = app(args);
        let headers: Headers = &[("apikey", &key)];
        assert_eq!(
            role(&app, "/wrappedkeystore", headers).await,
            Ok("service_role".into()),
            "{name}"
        );
        assert_eq!(
            role(&app, "/wrappedkeystore", &[]).await,
            Err(StatusCode::UNAUTHORIZED),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_unreachable_key_set_is_not_the_clients_fault() {
    let auth = AuthServer::start(vec![]).await;
    auth.down(true);
    let es = Es256::new("k");
    let app = app(&GateArgs { supabase_url: Some(auth.url.clone()), ..every_key() });
    let answer: Answer = ask(&app, "POST", "/tasks", &[("apikey", &es.token(&user()))]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.headers["retry-after"].as_bytes()),
        (503, &b"1"[..])
    );
    assert_eq!(role(&app, "/tasks", &[("apikey", PUBLISHABLE)]).await, Ok("anon".into()));
}

#[tokio::test]
async fn config_toml_decides_per_service() {
    let file = "[functions.tasks]\nverify_jwt = false\n[functions.wrappedgapi]\nenabled = false\n\
                [functions.wrappedkeystore]\nverify_jwt = false\n";
    let keys = every_key();
    let app = app(&GateArgs { supabase_config: config(file).supabase_config, ..keys });
    assert_eq!(role(&app, "/tasks/execute", &[]).await, Ok("anon".into()));
    assert_eq!(
        role(&app, "/tasks/execute", &[("apikey", SECRET_KEY)]).await,
        Ok("service_role".into())
    );
    let secret: Headers = &[("apikey", SECRET_KEY)];
    assert_eq!(role(&app, "/wrappedgapi", secret).await, Err(StatusCode::NOT_FOUND));
    // What is for the service role asks for it all the same.
    assert_eq!(role(&app, "/wrappedkeystore", &[]).await, Err(StatusCode::UNAUTHORIZED));
    assert_eq!(role(&app, "/tasks/publish", &[]).await, Err(StatusCode::UNAUTHORIZED));
}
