//! The token endpoint over a socket.

use crate::common;

use common::{READ, reason, start};
use serde_json::json;

#[tokio::test]
async fn gives_tokens_that_expire_and_belong_to_one_user() {
    let fixture = start().await;
    let user = fixture.user(3);
    let (status, body) = fixture.ask_token(json!({ "sub": user, "scope": READ })).await;
    assert_eq!((status, &body["token_type"]), (200, &json!("Bearer")));
    assert_eq!(body["expires_in"], 3599);
    let token = body["access_token"].as_str().unwrap();
    assert!(token.starts_with("ya29."));
    for name in ["me", &user, &user.replace('@', "%40"), &user.to_uppercase()] {
        let (status, body) = fixture.get(token, &format!("/gmail/v1/users/{name}/profile")).await;
        assert_eq!((status, &body["emailAddress"]), (200, &json!(user)), "{name}");
    }
    let other = fixture.get(token, &format!("/gmail/v1/users/{}/profile", fixture.user(4))).await;
    assert_eq!(reason(&other), (403, "forbidden"));
    assert_eq!(other.1["error"]["message"], format!("Delegation denied for {user}"));
}

#[tokio::test]
async fn every_audience_that_googles_clients_use_counts() {
    let fixture = start().await;
    for audience in [
        "https://oauth2.googleapis.com/token",
        "https://www.googleapis.com/oauth2/v4/token",
        "https://accounts.google.com/o/oauth2/token",
    ] {
        let claims = json!({ "sub": fixture.user(1), "scope": READ, "aud": audience });
        assert_eq!(fixture.ask_token(claims).await.0, 200, "{audience}");
    }
}

#[tokio::test]
async fn refuses_in_googles_words() {
    let fixture = start().await;
    let user = fixture.user(1);
    let app = fixture.running.app();
    app.world.set_trouble(2, Some(workspace_emulator::world::Trouble::Suspended));
    let calendar = "https://www.googleapis.com/auth/calendar.readonly";
    for (claims, status, error, description) in [
        (
            json!({ "sub": "nobody@alpha.example" }),
            400,
            "invalid_grant",
            "Invalid email or User ID",
        ),
        (json!({ "sub": "me" }), 400, "invalid_grant", "Not a valid email"),
        (json!({ "sub": fixture.user(2) }), 400, "invalid_grant", "disabled"),
        (json!({ "scope": "" }), 400, "invalid_scope", "Invalid OAuth scope"),
        (json!({ "scope": format!("{READ},{calendar}") }), 400, "invalid_scope", "Invalid OAuth"),
        (json!({ "scope": "mail" }), 400, "invalid_scope", "Invalid OAuth scope"),
        (json!({ "scope": calendar }), 401, "unauthorized_client", "Client is unauthorized"),
        (json!({ "scope": format!("{READ} {calendar}") }), 400, "access_denied", "not authorized"),
        (json!({ "exp": 1 }), 400, "invalid_grant", "short-lived"),
        (json!({ "aud": "https://evil.example" }), 400, "invalid_grant", "audience"),
        (json!({ "iss": "who@x.example" }), 400, "invalid_grant", "account not found"),
    ] {
        let mut all = json!({ "sub": user, "scope": READ });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let (got, body) = fixture.ask_token(all).await;
        assert_eq!((got, &body["error"]), (status, &json!(error)), "{claims}");
        assert!(body["error_description"].as_str().unwrap().contains(description), "{body}");
    }
}

#[tokio::test]
async fn refuses_other_grants() {
    let fixture = start().await;
    let (status, body) = fixture.post_form(&[("grant_type", "password")]).await;
    assert_eq!((status, &body["error"]), (400, &json!("unsupported_grant_type")));
    let (status, body) = fixture.post_form(&[]).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_request")));
}

#[tokio::test]
async fn without_a_subject_there_is_no_mailbox() {
    let fixture = start().await;
    let (status, body) = fixture.ask_token(json!({ "scope": READ })).await;
    assert_eq!(status, 200);
    let token = body["access_token"].as_str().unwrap();
    let answer = fixture.get(token, "/gmail/v1/users/me/profile").await;
    assert_eq!(reason(&answer), (400, "failedPrecondition"));
    assert_eq!(answer.1["error"]["status"], "FAILED_PRECONDITION");
}
