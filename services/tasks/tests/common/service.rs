//! tasks as it is mounted, and a processor that notes its triggers.

use std::sync::Arc;

use axum::Router;
use serde_json::{Value, json};
use tasker_http::Peers;
use tasker_store::StorageAdapter;
use tasks::{State, TasksArgs, router};
use tokio::sync::mpsc;

use super::{Answer, request};

pub const AT: &str = "/functions/v1/tasks";
pub const TASK: &str = "/**\n * Says hello.\n * @param {Object} input\n * @param {string} [input.name=\"you\"] - Whom.\n */\nmodule.exports = async (input) => input;";

pub struct Service {
    pub app: Router,
    pub store: Arc<dyn StorageAdapter>,
    pub triggers: mpsc::UnboundedReceiver<Value>,
    peers: Peers,
}

impl Service {
    /// The service with one published task, `hello`.
    pub async fn start() -> Self {
        let store = tasker_store::connect("sqlite::memory:").await.unwrap();
        let (tell, triggers) = mpsc::unbounded_channel();
        let note = move |axum::Json(body): axum::Json<Value>| {
            let _ = tell.send(body);
            async { "{}" }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let processor = Router::new().fallback(axum::routing::post(note));
        tokio::spawn(async move { axum_serve(listener, processor).await });
        tasker_http::install_crypto();
        let peers = Peers::at(&url, std::collections::HashMap::new(), None).unwrap();
        let app = tasker_http::with_layers(tasker_http::mount(
            "tasks",
            router(State::new(store.clone(), peers.clone())),
        ));
        store.publish("hello", TASK, Some("Says hello.")).await.unwrap();
        Self { app, store, triggers, peers }
    }

    /// Starts the routes anew with room for so many open runs.
    pub fn limit(&mut self, max_open_runs: u32) {
        let state = State::new(self.store.clone(), self.peers.clone());
        let routes = router(state.with(&TasksArgs {
            max_open_runs,
            max_open_runs_per_owner: 0,
            tenant_claim: None,
        }));
        self.app = tasker_http::with_layers(tasker_http::mount("tasks", routes));
    }

    pub async fn get(&self, path: &str) -> Answer {
        request(&self.app, "GET", &format!("{AT}{path}"), "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        request(&self.app, "POST", &format!("{AT}{path}"), body).await
    }

    /// Submits `hello` and answers the run's id.
    pub async fn submit(&self) -> i64 {
        let body = json!({"task_identifier": "hello", "input": {"name": "x"}}).to_string();
        self.post("/execute", &body).await.json()["data"]["result"]["taskRunId"].as_i64().unwrap()
    }

    pub async fn triggered(&mut self) -> Value {
        let wait = tokio::time::timeout(std::time::Duration::from_secs(5), self.triggers.recv());
        wait.await.expect("no trigger came").unwrap()
    }
}

async fn axum_serve(listener: tokio::net::TcpListener, routes: Router) {
    tasker_http::serve(listener, routes, std::future::pending()).await;
}
