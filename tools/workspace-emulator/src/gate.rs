//! What every API call passes: log, faults, latency, credentials, partial and pretty answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::answer::Answer;
use crate::app::App;
use crate::discovery::{self, Method};
use crate::error::ApiError;
use crate::faults::{Call, Fault};
use crate::jwt;
use crate::log::Line;
use crate::mask::Mask;
use crate::params::Params;
use crate::tokens::Grant;

/// Tells the server to close the connection instead of answering.
#[derive(Debug, Clone, Copy)]
pub struct Reset;

/// Who calls, with which parameters.
#[derive(Debug, Clone)]
pub struct Caller {
    /// From the access token.
    pub grant: Grant,
    /// From the query.
    pub params: Params,
}

impl Caller {
    /// True if the token holds a scope that ends so.
    pub fn has_scope(&self, ending: &str) -> bool {
        self.grant.scopes.iter().any(|scope| scope.ends_with(ending))
    }
}

/// The middleware around the token endpoint and the APIs.
pub async fn gate(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    app.log.begin();
    let path = request.uri().path_and_query().map_or("", |p| p.as_str()).to_owned();
    let (request, seen) = look(&app, request).await;
    let fault = fault(&app, &request, &seen);
    let response = run(&app, request, next, &seen, fault.as_ref()).await;
    let status = match response.extensions().get::<Reset>() {
        Some(_) => 0,
        None => response.status().as_u16(),
    };
    app.log.end(Line {
        seq: 0,
        time: jiff::Timestamp::now().as_millisecond(),
        method: seen.id().to_owned(),
        user: seen.user,
        path,
        status,
        ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        fault: fault.is_some(),
    });
    response
}

/// Prints answers outside of the gate.
pub async fn print(request: Request, next: Next) -> Response {
    finish(next.run(request).await, &Params::default())
}

/// What the gate makes out of a request before anything is decided.
struct Seen {
    method: Option<&'static Method>,
    is_token: bool,
    grant: Option<Grant>,
    user: String,
    path: String,
    params: Params,
}

impl Seen {
    fn id(&self) -> &str {
        match self.method {
            Some(method) => &method.id,
            None if self.is_token => "oauth2.token",
            None => "unknown",
        }
    }
}

async fn look(app: &App, request: Request) -> (Request, Seen) {
    let template = request.extensions().get::<MatchedPath>().map_or("", |m| m.as_str());
    let method = discovery::method(request.method().as_str(), template);
    let is_token = template == "/token";
    let grant = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .and_then(|token| app.tokens.find(token.trim()));
    let path = percent_decode_str(request.uri().path()).decode_utf8_lossy().into_owned();
    let params = Params::parse(request.uri().query().unwrap_or_default());
    let mut seen = Seen { method, is_token, grant, user: String::new(), path, params };
    let named = request.uri().path().strip_prefix("/gmail/v1/users/");
    let named = named.and_then(|rest| rest.split('/').next()).filter(|user| *user != "me");
    let acting = seen.grant.as_ref().and_then(|grant| grant.user);
    let request = match (is_token, named, acting) {
        (true, ..) => {
            let (request, user) = subject_of(request).await;
            seen.user = user;
            request
        }
        (_, Some(user), _) => {
            seen.user = percent_decode_str(user).decode_utf8_lossy().to_lowercase();
            request
        }
        (_, None, Some(user)) => {
            seen.user.clone_from(&app.world.users[user].email);
            request
        }
        _ => request,
    };
    (request, seen)
}

/// The subject of a token request's assertion, so that faults can pick one user's tokens.
async fn subject_of(request: Request) -> (Request, String) {
    let (head, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 64 * 1024).await.unwrap_or_default();
    let assertion = form_urlencoded::parse(&bytes).find(|(name, _)| name == "assertion");
    let claims = assertion.and_then(|(_, assertion)| jwt::peek(&assertion));
    let subject = claims.and_then(|claims| claims.sub).unwrap_or_default().to_lowercase();
    (Request::from_parts(head, Body::from(bytes)), subject)
}

fn fault(app: &App, request: &Request, seen: &Seen) -> Option<Fault> {
    let header = request.headers().get("x-emulator-fault").and_then(|value| value.to_str().ok());
    header
        .and_then(Fault::from_header)
        .or_else(|| app.faults.take(Call { method: seen.id(), user: &seen.user, path: &seen.path }))
}

async fn run(
    app: &App,
    request: Request,
    next: Next,
    seen: &Seen,
    fault: Option<&Fault>,
) -> Response {
    let hang = fault.and_then(|fault| fault.hang_ms).unwrap_or(0) + app.config.latency_ms;
    if hang > 0 {
        tokio::time::sleep(Duration::from_millis(hang)).await;
    }
    match fault {
        // The work is done and only its answer is lost, or replaced by an error.
        Some(fault) if fault.after => {
            let done = pass(request, next, seen).await;
            broken(fault).unwrap_or(done)
        }
        Some(fault) => match broken(fault) {
            Some(response) => response,
            None => pass(request, next, seen).await,
        },
        None => pass(request, next, seen).await,
    }
}

/// What a fault answers; nothing if it only delays.
fn broken(fault: &Fault) -> Option<Response> {
    if fault.reset {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Reset);
        return Some(response);
    }
    let mut response = if fault.html {
        let status = fault.status.and_then(|code| StatusCode::from_u16(code).ok());
        let page = "<!DOCTYPE html><html><title>Error 502 (Server Error)!!1</title><p>The server \
                    encountered a temporary error and could not complete your request.</html>";
        let kind = [(header::CONTENT_TYPE, "text/html; charset=UTF-8")];
        (status.unwrap_or(StatusCode::BAD_GATEWAY), kind, page).into_response()
    } else {
        let error = ApiError::injected(fault.status?, fault.reason.as_deref());
        finish(error.into_response(), &Params::default())
    };
    let seconds = fault.retry_after.as_ref().map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    if let Some(value) = seconds.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    Some(response)
}

async fn pass(mut request: Request, next: Next, seen: &Seen) -> Response {
    if seen.is_token {
        return finish(next.run(request).await, &Params::default());
    }
    let response = match admit(seen) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    finish(response, &seen.params)
}

/// Credentials first, then the parameters that all methods share.
fn admit(seen: &Seen) -> Result<Caller, ApiError> {
    let Some(method) = seen.method else {
        let message = "Not Found: this emulator does not know the method";
        return Err(ApiError::new(404, "notFound", message));
    };
    let grant = seen.grant.clone().ok_or_else(ApiError::invalid_credentials)?;
    if !grant.scopes.iter().any(|scope| method.scopes.contains(scope)) {
        return Err(ApiError::insufficient_scopes());
    }
    if let Some(alt) = seen.params.get("alt").filter(|alt| *alt != "json") {
        return Err(ApiError::parameter("alt", format!("Invalid value for alt: {alt}; use json")));
    }
    if let Some(fields) = seen.params.get("fields") {
        Mask::parse(fields).map_err(|part| {
            ApiError::parameter("fields", format!("Invalid field selection {part}"))
        })?;
    }
    Ok(Caller { grant, params: seen.params.clone() })
}

fn finish(mut response: Response, params: &Params) -> Response {
    let Some(answer) = response.extensions_mut().remove::<Answer>() else { return response };
    let mask = params.get("fields").filter(|_| answer.partial && response.status().is_success());
    let value = match mask.map(Mask::parse) {
        Some(Ok(mask)) => mask.apply(answer.value),
        _ => answer.value,
    };
    let text = match params.get("prettyPrint") {
        Some("false") => serde_json::to_vec(&value),
        _ => serde_json::to_vec_pretty(&value),
    };
    let kind = HeaderValue::from_static("application/json; charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    *response.body_mut() = Body::from(text.unwrap_or_default());
    response
}
