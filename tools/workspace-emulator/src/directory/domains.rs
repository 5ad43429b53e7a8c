//! `directory.domains`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{check_admin, check_customer, with_etag};
use crate::answer::Answer;
use crate::app::App;
use crate::error::ApiError;
use crate::gate::Caller;
use crate::world::Domain;

/// `GET customer/{customer}/domains`: all of them, there is no paging.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(customer): Path<String>,
) -> Result<Answer, ApiError> {
    check_admin(&app, &caller)?;
    check_customer(&customer)?;
    let domains: Vec<Value> = app.world.domains.iter().map(render).collect();
    Ok(Answer::new(with_etag(json!({
        "kind": "admin#directory#domains", "etag": "", "domains": domains,
    }))))
}

/// `GET customer/{customer}/domains/{domainName}`.
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((customer, name)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    check_admin(&app, &caller)?;
    check_customer(&customer)?;
    let found = app.world.domains.iter().find(|domain| domain.name == name.to_lowercase());
    let domain = found.ok_or_else(|| ApiError::new(404, "notFound", "Domain not found."))?;
    Ok(Answer::new(render(domain)))
}

fn render(domain: &Domain) -> Value {
    with_etag(json!({
        "kind": "admin#directory#domain",
        "etag": "",
        "domainName": domain.name,
        "isPrimary": domain.is_primary,
        "verified": true,
        "creationTime": domain.created_ms.to_string(),
        "domainAliases": [],
    }))
}
