//! wrappedwebhook: task code sends signed webhooks, to receivers that its operator allows.
//!
//! An example of a wrapped service: it is not one of tasker's own, is started by whoever wants it,
//! and is registered with `TASKER_SERVICES=wrappedwebhook=http://host:port/wrappedwebhook`. Then
//!
//! ```js
//! await __callHostTool__("webhook", "send", [{ url: "https://example.com/hook", body: { id: 1 } }]);
//! ```

mod send;
mod sign;

use std::process::ExitCode;

use axum::{Json, Router, extract::State, routing::get};
use clap::Parser;
use serde_json::{Value, json};
use tasker_core::call::ServiceRequest;
use tasker_http::{ApiError, CommonArgs, JsonBody, Secret, mount, run};

use send::Sender;

const NAME: &str = env!("CARGO_PKG_NAME");

/// Signed webhooks for task code.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    common: CommonArgs,
    /// Addresses that may be sent to, each with what begins so, as in `https://example.com/hooks/`.
    #[arg(long, env = "TASKER_WEBHOOK_ALLOW", value_delimiter = ',', required = true)]
    allow: Vec<String>,
    /// Secret that receivers check signatures with: whsec_ and base64.
    #[arg(long, env = "TASKER_WEBHOOK_SECRET", hide_env_values = true)]
    secret: Secret,
}

fn main() -> ExitCode {
    let args = Args::parse();
    run(NAME, &args.common, async |_| {
        let sender = Sender::new(&args.allow, &args.secret)?;
        let routes = Router::new().route("/", get(health).post(call)).route("/health", get(health));
        Ok((mount(NAME, routes.with_state(sender)), std::future::ready(())))
    })
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "healthy", "service": NAME }))
}

/// `{"chain":[{"property":"send","args":[{"url","body"}]}]}`.
async fn call(
    State(sender): State<Sender>,
    headers: http::HeaderMap,
    JsonBody(request): JsonBody<ServiceRequest>,
) -> Result<Json<Value>, ApiError> {
    let key = headers.get("idempotency-key").and_then(|v| v.to_str().ok());
    match request.method().as_str() {
        "send" => {
            let (hook,) = request.args().map_err(ApiError::bad_request)?;
            sender.send(hook, key).await.map(Json)
        }
        other => {
            Err(ApiError::not_found(format!("webhook has no method '{other}'; there is: send")))
        }
    }
}
