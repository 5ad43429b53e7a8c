//! `POST /token`: assertions in, access tokens out.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::answer::Answer;
use crate::app::App;
use crate::error::TokenError;
use crate::jwt::{self, Expected};
use crate::tokens::{LIFETIME_S, now_s};
use crate::world::Trouble;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The handler.
pub async fn token(
    State(app): State<Arc<App>>,
    body: Bytes,
) -> Result<(StatusCode, Answer), TokenError> {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    match form.get("grant_type").map(String::as_str) {
        Some(GRANT_TYPE) => {}
        None => {
            let message = "Required parameter is missing: grant_type";
            return Err(TokenError::new("invalid_request", message));
        }
        Some(other) => {
            let message = format!("Invalid grant_type: {other}");
            return Err(TokenError::new("unsupported_grant_type", message));
        }
    }
    let Some(assertion) = form.get("assertion") else {
        return Err(TokenError::new("invalid_request", "Required parameter is missing: assertion"));
    };
    let expected = Expected {
        key: &app.public_key,
        issuer: &app.account.email,
        audiences: &app.audiences,
        now: now_s(),
    };
    let claims = jwt::verify(assertion, &expected)?;
    let scopes = scopes(&claims.scope)?;
    let user = match claims.sub.as_deref().filter(|sub| !sub.is_empty()) {
        Some(sub) => Some(subject(&app, sub)?),
        None => None,
    };
    // Only acting for somebody needs the administrator's delegation.
    if user.is_some() {
        check_delegation(&app.config.delegated_scopes, &scopes)?;
    }
    let access_token = app.tokens.issue(user, scopes);
    let answer = json!({
        "access_token": access_token, "expires_in": LIFETIME_S, "token_type": "Bearer",
    });
    Ok((StatusCode::OK, Answer::verbatim(answer)))
}

fn scopes(text: &str) -> Result<Vec<String>, TokenError> {
    let scopes: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let known = |scope: &String| {
        !scope.contains(',')
            && (scope.starts_with("https://www.googleapis.com/auth/")
                || matches!(scope.as_str(), "https://mail.google.com/" | "openid" | "email"))
    };
    if scopes.is_empty() || !scopes.iter().all(known) {
        let message = "Invalid OAuth scope or ID token audience provided.";
        return Err(TokenError::new("invalid_scope", message));
    }
    Ok(scopes)
}

fn subject(app: &App, sub: &str) -> Result<usize, TokenError> {
    let refused = |message: &str| TokenError::new("invalid_grant", message);
    if !sub.contains('@') {
        return Err(refused("Not a valid email or user ID."));
    }
    let user = app.world.find(sub).ok_or_else(|| refused("Invalid email or User ID"))?;
    match app.world.trouble(user) {
        Some(Trouble::Suspended) => Err(refused("Account disabled")),
        _ => Ok(user),
    }
}

fn check_delegation(delegated: &[String], scopes: &[String]) -> Result<(), TokenError> {
    let allowed = scopes.iter().filter(|scope| delegated.contains(scope)).count();
    match allowed {
        0 => Err(TokenError::new(
            "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this method, or client not \
             authorized for any of the scopes requested.",
        )),
        some if some < scopes.len() => {
            Err(TokenError::new("access_denied", "Requested client not authorized."))
        }
        _ => Ok(()),
    }
}
