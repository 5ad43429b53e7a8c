//! `POST /api/proxy/<service>`: the protocol of SDK proxies, which record a chain of properties and
//! calls and send it as `{"chain":[{"type":"get"|"call","property","args"?}]}`.
//!
//! Answers `{"data": <result>}` (a Supabase result, which has `data` and `error` itself, as it is)
//! or `{"error":{"message","code","status","name"}}`. The service behind it, its gate included, is
//! the one that every other request meets.

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tasker_core::{
    Json as Raw,
    call::{Step, resolve_alias},
};

/// Largest answer that is wrapped.
const LARGEST: usize = 64 << 20;

#[derive(Deserialize)]
struct Recorded {
    chain: Option<Vec<Link>>,
}

/// What the service is sent.
#[derive(Serialize)]
struct Forwarded {
    chain: Vec<Step>,
}

#[derive(Deserialize)]
struct Link {
    #[serde(rename = "type")]
    kind: Option<String>,
    property: Option<String>,
    args: Option<Raw>,
}

/// The proxy routes of a wrapped service: below its mount points, and by its names at the root.
pub(crate) fn routes(name: &str, service: &Router) -> Router {
    let mut routes = Router::new();
    if !name.starts_with("wrapped") {
        return routes;
    }
    for path in paths(name) {
        let (service, itself) = (service.clone(), service.clone());
        let answer =
            async move |headers: HeaderMap, body: Bytes| call(service, headers, &body).await;
        // What is no proxied call is the service's own affair, as on any of its paths.
        let pass = async move |mut request: Request| {
            *request.uri_mut() = Uri::from_static("/api/proxy");
            match tower::ServiceExt::oneshot(itself, request).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            }
        };
        routes = routes.route(&path, post(answer).fallback(pass));
    }
    routes
}

fn paths(name: &str) -> Vec<String> {
    let short = name.strip_prefix("wrapped").unwrap_or(name);
    let mut paths: Vec<String> = ["/functions/v1", ""]
        .iter()
        .map(|prefix| format!("{prefix}/{name}/api/proxy/{{service}}"))
        .collect();
    paths.extend([name, short].iter().map(|alias| format!("/api/proxy/{alias}")));
    let older = ["database"].into_iter().filter(|alias| resolve_alias(alias) == name);
    paths.extend(older.map(|alias| format!("/api/proxy/{alias}")));
    paths
}

async fn call(service: Router, mut headers: HeaderMap, body: &[u8]) -> Response {
    let chain = match chain(body) {
        Ok(chain) => chain,
        Err(why) => {
            return failure(StatusCode::BAD_REQUEST, "INVALID_CHAIN_FORMAT", &why);
        }
    };
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    let body = tasker_core::json::of(&Forwarded { chain });
    let mut request = Request::new(Body::from(body.get().to_owned()));
    (*request.method_mut(), *request.uri_mut()) = (Method::POST, Uri::from_static("/"));
    *request.headers_mut() = headers;
    match tower::ServiceExt::oneshot(service, request).await {
        Ok(answer) => wrapped(answer).await,
        Err(never) => match never {},
    }
}

/// The chain as wrapped services take it: links without their type.
fn chain(body: &[u8]) -> Result<Vec<Step>, String> {
    const USAGE: &str =
        "send {\"chain\":[{\"type\":\"call\",\"property\":\"...\",\"args\":[...]}]}";
    let recorded: Recorded = serde_json::from_slice(body).map_err(|e| format!("{e}; {USAGE}"))?;
    let steps = recorded
        .chain
        .filter(|c| !c.is_empty())
        .ok_or_else(|| format!("chain is missing or empty; {USAGE}"))?;
    steps.into_iter().enumerate().map(|(i, step)| link(i, step)).collect()
}

fn link(i: usize, link: Link) -> Result<Step, String> {
    let property = link.property.ok_or_else(|| format!("chain[{i}].property is missing"))?;
    let args = match (link.kind.as_deref(), link.args) {
        (Some("get"), _) => None,
        (Some("call"), args) => Some(args.unwrap_or_else(|| tasker_core::json::of(&json!([])))),
        (None, args) => args,
        (Some(other), _) => {
            return Err(format!("chain[{i}].type is '{other}': use get or call"));
        }
    };
    Ok(Step { property, args })
}

async fn wrapped(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST).await else {
        return failure(
            StatusCode::BAD_GATEWAY,
            "UNREADABLE_ANSWER",
            "the service's answer broke off",
        );
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    if !parts.status.is_success() {
        let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let error = error_object(parts.status, &said);
        return (
            parts.status,
            parts.headers,
            Json(json!({ "error": error })).into_response().into_body(),
        )
            .into_response();
    }
    let text = if bytes.is_empty() { "null".into() } else { String::from_utf8_lossy(&bytes) };
    let body = if is_result(&text) { text.into_owned() } else { format!("{{\"data\":{text}}}") };
    parts
        .headers
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    (parts.status, parts.headers, body).into_response()
}

/// Whether this is supabase-js's own result object. Values stay as they are, byte for byte.
fn is_result(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Shape {
        #[serde(default, deserialize_with = "tasker_core::json::present")]
        data: Option<Raw>,
        #[serde(default, deserialize_with = "tasker_core::json::present")]
        error: Option<Raw>,
    }
    text.starts_with('{')
        && serde_json::from_str::<Shape>(text).is_ok_and(|s| s.data.is_some() && s.error.is_some())
}

fn error_object(status: StatusCode, said: &Value) -> Value {
    let inner = if said["error"].is_object() { &said["error"] } else { said };
    let text = [&said["error"], &inner["message"], &said["message"]];
    let message = text.into_iter().find_map(Value::as_str).unwrap_or("the service said no more");
    let code = inner["code"].as_str().or_else(|| said["code"].as_str()).unwrap_or("SERVICE_ERROR");
    let name = inner["name"].as_str().unwrap_or("ServiceError");
    json!({ "message": message, "code": code, "status": status.as_u16(), "name": name, "details": said })
}

fn failure(status: StatusCode, code: &str, message: &str) -> Response {
    let error =
        json!({ "message": message, "code": code, "status": status.as_u16(), "name": "Error" });
    (status, Json(json!({ "error": error }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(name: &'static str, path: &str, body: &str) -> (u16, Value) {
        let echo = async |body: Bytes| -> Response {
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            match body["chain"][0]["property"].as_str() {
                Some("fails") => {
                    (StatusCode::FORBIDDEN, Json(json!({ "error": "no", "code": "X" })))
                        .into_response()
                }
                Some("from") => Json(json!({ "data": [1], "error": null })).into_response(),
                _ => Json(body).into_response(),
            }
        };
        let routes = routes(name, &Router::new().route("/", post(echo)));
        let mut request = Request::new(Body::from(body.to_owned()));
        (*request.method_mut(), *request.uri_mut()) =
            (Method::POST, path.parse().unwrap_or_default());
        let Ok(answer) = tower::ServiceExt::oneshot(routes, request).await;
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), LARGEST).await.unwrap_or_default();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    #[tokio::test]
    async fn chains_are_passed_on_and_answers_wrapped() {
        let chain = r#"{"chain":[{"type":"get","property":"a"},{"type":"call","property":"b","args":[{"c":1}]}],"config":{}}"#;
        let seen = json!({ "data": { "chain": [{ "property": "a" }, { "property": "b", "args": [{ "c": 1 }] }] } });
        for path in [
            "/api/proxy/gapi",
            "/api/proxy/wrappedgapi",
            "/functions/v1/wrappedgapi/api/proxy/gapi",
            "/wrappedgapi/api/proxy/x",
        ] {
            assert_eq!(ask("wrappedgapi", path, chain).await, (200, seen.clone()), "{path}");
        }
        let (status, _) =
            ask("wrappedsupabase", "/api/proxy/database", r#"{"chain":[{"property":"from"}]}"#)
                .await;
        assert_eq!(status, 200);
        assert_eq!(ask("tasks", "/api/proxy/tasks", chain).await.0, 404);
    }

    #[tokio::test]
    async fn a_result_of_supabase_keeps_its_shape_and_errors_are_objects() {
        let from = r#"{"chain":[{"type":"call","property":"from","args":["t"]}]}"#;
        let result = json!({ "data": [1], "error": null });
        assert_eq!(ask("wrappedsupabase", "/api/proxy/supabase", from).await, (200, result));
        let (status, body) =
            ask("wrappedgapi", "/api/proxy/gapi", r#"{"chain":[{"property":"fails"}]}"#).await;
        assert_eq!(
            (status, &body["error"]["message"], &body["error"]["code"]),
            (403, &json!("no"), &json!("X"))
        );
        for wrong in [
            "",
            "{}",
            r#"{"chain":[]}"#,
            r#"{"chain":[{"type":"set","property":"a"}]}"#,
            r#"{"chain":[{"type":"get"}]}"#,
        ] {
            let (status, body) = ask("wrappedgapi", "/api/proxy/gapi", wrong).await;
            assert_eq!(
                (status, &body["error"]["code"]),
                (400, &json!("INVALID_CHAIN_FORMAT")),
                "{wrong}"
            );
        }
    }
}
