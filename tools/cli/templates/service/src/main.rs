//! wrappedtemplate: what task code calls `template`. The contract is in docs/plugins.md.

mod methods;

use std::process::ExitCode;

use axum::{Json, Router, routing::get};
use clap::Parser;
use serde_json::{Value, json};
use tasker_core::call::ServiceRequest;
use tasker_http::{ApiError, CommonArgs, JsonBody, mount, run};

const NAME: &str = env!("CARGO_PKG_NAME");

/// template for task code.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    common: CommonArgs,
}

fn main() -> ExitCode {
    let args = Args::parse();
    run(NAME, &args.common, async |_| {
        let routes = Router::new().route("/", get(health).post(call)).route("/health", get(health));
        Ok((mount(NAME, routes), std::future::ready(())))
    })
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "healthy", "service": NAME }))
}

/// `{"chain":[{"property":"echo","args":["hi"]}]}`: the answer is the call's result.
async fn call(JsonBody(request): JsonBody<ServiceRequest>) -> Result<Json<Value>, ApiError> {
    methods::call(&request).map(Json)
}
