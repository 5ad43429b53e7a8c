//! The Directory API.

pub mod domains;
pub mod groups;
pub mod users;

mod search;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use serde_json::Value;

use crate::app::App;
use crate::error::ApiError;
use crate::gate::Caller;
use crate::rng;

/// The one customer.
pub const CUSTOMER_ID: &str = "C03az79cb";

/// The routes, by the discovery document's paths.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/directory/v1/customer/{customer}/domains", get(domains::list))
        .route("/admin/directory/v1/customer/{customer}/domains/{domainName}", get(domains::get))
        .route("/admin/directory/v1/users", get(users::list))
        .route("/admin/directory/v1/users/{userKey}", get(users::get))
        .route("/admin/directory/v1/groups", get(groups::list))
}

/// Only an administrator reads the Directory.
fn check_admin(app: &App, caller: &Caller) -> Result<(), ApiError> {
    let admin = caller.grant.user.is_some_and(|user| app.world.users[user].is_admin);
    let message = "Not Authorized to access this resource/api";
    if admin { Ok(()) } else { Err(ApiError::new(403, "forbidden", message)) }
}

fn check_customer(customer: &str) -> Result<(), ApiError> {
    match customer {
        "my_customer" | CUSTOMER_ID => Ok(()),
        _ => Err(ApiError::new(404, "notFound", "Resource Not Found: customer")),
    }
}

/// Adds the etag that belongs to the content.
fn with_etag(mut value: Value) -> Value {
    let etag = format!("\"{:016x}\"", rng::hash(value.to_string().as_bytes()));
    value["etag"] = Value::from(etag);
    value
}
