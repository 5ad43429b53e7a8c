//! An auth server as far as the gate sees it: a key set, and a count of who fetched it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, http::StatusCode, response::IntoResponse as _, routing::get};
use serde_json::{Value, json};

use super::start;

#[derive(Clone)]
pub struct AuthServer {
    pub url: String,
    state: Arc<State>,
}

struct State {
    keys: Mutex<Vec<Value>>,
    fetches: AtomicUsize,
    down: std::sync::atomic::AtomicBool,
}

impl AuthServer {
    pub async fn start(keys: Vec<Value>) -> Self {
        let state = Arc::new(State {
            keys: Mutex::new(keys),
            fetches: AtomicUsize::new(0),
            down: false.into(),
        });
        let shared = state.clone();
        let answer = async move || {
            shared.fetches.fetch_add(1, Ordering::SeqCst);
            if shared.down.load(Ordering::SeqCst) {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
            let keys = shared.keys.lock().unwrap().clone();
            axum::Json(json!({ "keys": keys })).into_response()
        };
        let routes = Router::new().route("/auth/v1/.well-known/jwks.json", get(answer));
        let url = format!("http://{}", start(routes).await);
        Self { url, state }
    }

    pub fn set(&self, keys: Vec<Value>) {
        *self.state.keys.lock().unwrap() = keys;
    }

    pub fn down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }

    pub fn fetches(&self) -> usize {
        self.state.fetches.load(Ordering::SeqCst)
    }
}
