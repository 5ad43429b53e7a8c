//! Services that others wrote, at `/functions/v1/<name>` like tasker's own.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::any,
};
use http::{HeaderName, HeaderValue, header};
use tasker_http::{ApiError, Peers, Registered, mount};

use crate::forward;

/// What clients show tasker is none of the service's business.
const CREDENTIALS: [HeaderName; 3] =
    [header::AUTHORIZATION, header::COOKIE, HeaderName::from_static("apikey")];
/// How long a service may take to say that it is well.
const HEALTH: Duration = Duration::from_secs(2);

struct Inner {
    client: reqwest::Client,
    name: String,
    service: Registered,
}

/// Each behind tasker's own gate: the services themselves may check nothing.
pub fn routes(services: &HashMap<String, Registered>) -> anyhow::Result<Router> {
    let client = forward::client()?;
    let mut routes = Router::new();
    for (name, service) in services {
        let (client, name, service) = (client.clone(), name.clone(), service.clone());
        let inner = Arc::new(Inner { client, name: name.clone(), service });
        let to_it = Router::new()
            .route("/", any(to_service))
            .route("/{*rest}", any(to_service))
            .with_state(inner);
        routes = routes.merge(mount(&name, to_it));
    }
    Ok(routes)
}

async fn to_service(
    State(inner): State<Arc<Inner>>,
    request: Request,
) -> Result<Response, ApiError> {
    let Registered { url, token } = &inner.service;
    let (path, query) = forward::target(request.uri());
    let slash = if path.is_empty() { "" } else { "/" };
    let url = format!("{url}{slash}{path}{query}");
    let token = token.as_ref().map(|t| HeaderValue::from_str(&format!("Bearer {}", t.expose())));
    let token = token.transpose().map_err(|_| {
        ApiError::internal(format!("TASKER_SERVICE_TOKENS: {}'s is no header value", inner.name))
    })?;
    forward::forward(&inner.client, &inner.name, url, request, |parts| {
        for name in CREDENTIALS {
            parts.headers.remove(name);
        }
        if let Some(mut token) = token {
            token.set_sensitive(true);
            parts.headers.insert(header::AUTHORIZATION, token);
        }
    })
    .await
}

/// Says of each service whether it answers. None has to: calls wait for it.
pub async fn look(peers: Peers, names: Vec<String>) {
    for service in names {
        match peers.get(&service, "/health", HEALTH).await {
            Ok(reply) if reply.status.is_success() => tracing::info!(service, "registered"),
            Ok(reply) => {
                tracing::warn!(service, status = %reply.status, "registered, but GET /health is no 2xx");
            }
            Err(error) => tracing::warn!(service, %error, "registered, but not there yet"),
        }
    }
}
