//! One address for all processes, as Supabase's gateway gives its functions.

use std::{
    collections::HashMap,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use tasker_core::call::resolve_alias;
use tasker_http::{ApiError, CommonArgs, Registered};

use crate::{forward, registered};

/// Settings of the gateway.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: CommonArgs,
}

struct Inner {
    client: reqwest::Client,
    services: HashMap<String, Addresses>,
}

/// Where a service is reached; several take turns.
pub struct Addresses {
    all: Vec<String>,
    next: AtomicUsize,
}

impl Addresses {
    /// These, of which there is one at least.
    pub fn new(all: Vec<String>) -> Self {
        Self { all, next: AtomicUsize::new(0) }
    }

    fn next(&self) -> &str {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.all.get(turn % self.all.len().max(1)).map_or("", String::as_str)
    }
}

/// Serves until told to stop.
pub fn serve(args: Args) -> ExitCode {
    tasker_http::run("gateway", &args.common, async |_| {
        let others = args.common.services.registered()?;
        let urls = args.common.service_urls().into_iter();
        let services = urls.map(|(name, url)| (name, Addresses::new(vec![url]))).collect();
        Ok((routes(services, &others)?, std::future::ready(())))
    })
}

/// Forwards `/functions/v1/<name>/...` and `/<name>/...` to `services[name]`, which check keys
/// themselves, and to the services that others wrote, for which this process checks them.
pub fn routes(
    services: HashMap<String, Addresses>,
    others: &HashMap<String, Registered>,
) -> anyhow::Result<Router> {
    let inner = Arc::new(Inner { client: forward::client()?, services });
    Ok(Router::new()
        .route("/functions/v1/{*path}", axum::routing::any(to_service))
        .route("/api/proxy/{service}", axum::routing::any(to_service))
        .route("/{*path}", axum::routing::any(to_service))
        .with_state(inner)
        .merge(registered::routes(others)?))
}

async fn to_service(
    State(inner): State<Arc<Inner>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (path, query) = forward::target(request.uri());
    let path = path.strip_prefix("functions/v1/").unwrap_or(path);
    let (name, rest) = match path.strip_prefix("api/proxy/") {
        // SDK proxies name the service as task code does; it answers them below its own address.
        Some(alias) => (resolve_alias(alias), path),
        None => path.split_once('/').map_or((path, ""), |(n, r)| (n, r)),
    };
    let service =
        inner.services.get(name).ok_or_else(|| ApiError::not_found("Function not found"))?;
    let (name, url) = (name.to_owned(), format!("{}/{rest}{query}", service.next()));
    forward::forward(&inner.client, &name, url, request, |_| ()).await
}
