//! The key set: fetched once, again when keys change, and not once more than that.

use crate::common;

use std::time::{Duration, Instant};

use axum::Router;
use common::{
    app, ask, every_key,
    jwks::AuthServer,
    token::{Es256, rs256, user},
};
use serde_json::json;
use tasker_http::GateArgs;

fn settings(auth: &AuthServer, interval_ms: Option<u64>) -> GateArgs {
    let url = Some(auth.url.clone());
    GateArgs { supabase_url: url, jwks_interval_ms: interval_ms, ..every_key() }
}

async fn status(app: &Router, token: &str) -> u16 {
    ask(app, "POST", "/tasks", &[("apikey", token)]).await.status.as_u16()
}

#[tokio::test]
async fn old_and_new_keys_during_a_rotation() {
    let (old, new) = (Es256::new("old"), Es256::new("new"));
    let auth = AuthServer::start(vec![old.jwk(), rs256().jwk()]).await;
    let app = app(&settings(&auth, Some(100)));
    let (by_old, by_new) = (old.token(&user()), new.token(&user()));
    assert_eq!(status(&app, &by_old).await, 200);
    assert_eq!(status(&app, &rs256().token(&user())).await, 200);
    assert_eq!(auth.fetches(), 1);
    assert_eq!(status(&app, &by_new).await, 401);
    // Both are in the set, then only the new one.
    auth.set(vec![new.jwk(), old.jwk()]);
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!([status(&app, &by_new).await, status(&app, &by_old).await], [200, 200]);
    auth.set(vec![new.jwk()]);
    tokio::time::sleep(Duration::from_millis(150)).await;
    let stranger = Es256::new("nobody").token(&user());
    assert_eq!(status(&app, &stranger).await, 401);
    assert_eq!([status(&app, &by_new).await, status(&app, &by_old).await], [200, 401]);
}

/// 300 unknown keys at once, and good tokens between them.
async fn storm(app: &Router, good: &str) -> Duration {
    let started = Instant::now();
    let mut requests = tokio::task::JoinSet::new();
    for n in 0..300 {
        let stranger = Es256::new(&format!("storm-{n}")).token(&user());
        let (app, good) = (app.clone(), good.to_owned());
        requests.spawn(async move { (status(&app, &stranger).await, status(&app, &good).await) });
    }
    while let Some(answers) = requests.join_next().await {
        assert_eq!(answers.unwrap(), (401, 200));
    }
    started.elapsed()
}

#[tokio::test]
async fn a_storm_of_unknown_keys_is_one_fetch() {
    let good = Es256::new("good");
    let auth = AuthServer::start(vec![good.jwk()]).await;
    let app = app(&settings(&auth, None));
    assert_eq!(status(&app, &good.token(&user())).await, 200);
    let took = storm(&app, &good.token(&user())).await;
    println!("300 unknown keys in {took:?}: {} fetches", auth.fetches());
    assert!(took < Duration::from_secs(30), "{took:?}: too slow to say anything");
    assert_eq!(auth.fetches(), 1);
}

/// Without the limit the same storm does reach the auth server.
#[tokio::test]
async fn the_limit_is_what_holds_the_storm() {
    let good = Es256::new("good");
    let auth = AuthServer::start(vec![good.jwk()]).await;
    let app = app(&settings(&auth, Some(0)));
    storm(&app, &good.token(&user())).await;
    assert!(auth.fetches() > 100, "{} only", auth.fetches());
}

#[tokio::test]
async fn an_outage_does_not_forget_keys() {
    let good = Es256::new("good");
    let auth = AuthServer::start(vec![good.jwk()]).await;
    let app = app(&settings(&auth, Some(0)));
    assert_eq!(status(&app, &good.token(&user())).await, 200);
    auth.down(true);
    assert_eq!(status(&app, &Es256::new("x").token(&user())).await, 401);
    assert_eq!(status(&app, &good.token(&user())).await, 200);
}

#[tokio::test]
async fn a_token_without_kid_needs_a_set_without_choice() {
    let (a, b) = (Es256::new("a"), Es256::new("b"));
    let token = a.token_with(&json!({ "alg": "ES256" }), &user());
    for (keys, expected) in [(vec![a.jwk(), rs256().jwk()], 200), (vec![a.jwk(), b.jwk()], 401)] {
        let auth = AuthServer::start(keys).await;
        assert_eq!(status(&app(&settings(&auth, None)), &token).await, expected);
    }
}
