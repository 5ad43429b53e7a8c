//! A service beside tasker's own. Nobody knows whether its methods may be repeated, so a call of
//! one is not safe to repeat, unless the call says so itself.

use std::net::SocketAddr;

use axum::{Json, Router, routing::get, serve::ListenerExt as _};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// The name that task code calls it by.
pub const NAME: &str = "benchecho";

/// It, until dropped.
pub struct Echo {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Echo {
    /// Starts it on a port of its own.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        // As tasker's own services do: an answer waits for no other.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let routes = Router::new()
            .route("/", get(async || "well").post(answer))
            .route("/health", get(async || "well"));
        let task = tokio::spawn(async move { drop(axum::serve(listener, routes).await) });
        Ok(Self { address, task })
    }

    /// What tasker's processes are told of it.
    pub fn env(&self) -> Vec<(String, String)> {
        vec![("TASKER_SERVICES".to_owned(), format!("{NAME}=http://{}", self.address))]
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The arguments, as `gapi`'s own `echo` answers them.
async fn answer(Json(request): Json<Value>) -> Json<Value> {
    Json(request["chain"][0]["args"].clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_the_arguments() {
        tasker_http::install_crypto();
        let echo = Echo::start().await.unwrap();
        let url = format!("http://{}", echo.address);
        let body = serde_json::json!({ "chain": [{ "property": "echo", "args": [7] }] });
        let reply = reqwest::Client::new().post(&url).json(&body).send().await.unwrap();
        assert_eq!(reply.json::<Value>().await.unwrap(), serde_json::json!([7]));
        assert_eq!(echo.env()[0].1, format!("benchecho={url}"));
    }
}
