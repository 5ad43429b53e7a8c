//! One address for six processes, as Supabase's gateway gives its functions.

use std::{collections::HashMap, process::ExitCode, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use tasker_http::{ApiError, CommonArgs};

/// Settings of the gateway.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: CommonArgs,
}

const RELAY_ERROR: HeaderName = HeaderName::from_static("x-relay-error");

struct Inner {
    client: reqwest::Client,
    services: HashMap<String, String>,
}

/// Serves until told to stop.
pub async fn serve(args: Args) -> ExitCode {
    tasker_http::run("gateway", &args.common, async |_| {
        Ok((routes(args.common.service_urls())?, std::future::ready(())))
    })
    .await
}

/// Forwards `/functions/v1/<name>/...` and `/<name>/...` to `services[name]`.
pub fn routes(services: HashMap<String, String>) -> anyhow::Result<Router> {
    tasker_http::install_crypto();
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
    let inner = Arc::new(Inner { client, services });
    Ok(Router::new()
        .route("/functions/v1/{*path}", axum::routing::any(forward))
        .route("/{*path}", axum::routing::any(forward))
        .with_state(inner))
}

async fn forward(State(inner): State<Arc<Inner>>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let path = path.strip_prefix("/functions/v1").unwrap_or(path).trim_start_matches('/');
    let (name, rest) = path.split_once('/').map_or((path, ""), |(n, r)| (n, r));
    let service =
        inner.services.get(name).ok_or_else(|| ApiError::not_found("Function not found"))?;
    let query = parts.uri.query().map_or(String::new(), |q| format!("?{q}"));
    let url = format!("{service}/{rest}{query}");
    // Never sent twice: a retry here could repeat what a service has already done.
    let mut headers = parts.headers;
    for hop in [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH]
    {
        headers.remove(hop);
    }
    let body = axum::body::to_bytes(body, 64 << 20).await.map_err(|_| {
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 64 MiB")
    })?;
    let sent = inner.client.request(parts.method, url).headers(headers).body(body).send().await;
    let reply = match sent {
        Ok(reply) => reply,
        Err(error) => return Ok(unreachable(name, error)),
    };
    let mut response = Response::builder().status(reply.status());
    for (key, value) in reply.headers() {
        let own: [HeaderName; 2] = [header::CONNECTION, header::TRANSFER_ENCODING];
        if !own.contains(key) {
            response = response.header(key, value);
        }
    }
    response.body(Body::from_stream(reply.bytes_stream())).map_err(ApiError::internal)
}

/// 502 with the header that makes Supabase's clients throw their relay error.
fn unreachable(name: &str, error: reqwest::Error) -> Response {
    let why = format!("{name} cannot be reached: {}", error.without_url());
    let mut answer = ApiError::new(StatusCode::BAD_GATEWAY, why).into_response();
    answer.headers_mut().insert(RELAY_ERROR, HeaderValue::from_static("true"));
    answer
}
