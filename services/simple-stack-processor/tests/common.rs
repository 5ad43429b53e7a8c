//! A processor, and what stands around it.

use std::{collections::HashMap, sync::Arc};

use axum::Router;
use serde_json::json;
use simple_stack_processor::{ProcessorArgs, State, router};
use tasker_core::json as raw;
use tasker_http::{Peers, bind, mount, serve};
use tasker_store::{NewRun, StorageAdapter, Submitted};

const NAME: &str = "simple-stack-processor";

/// Serves routes on a port of their own; answers the address.
pub async fn served(routes: impl FnOnce(&str) -> Router) -> String {
    let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = routes(&url);
    tokio::spawn(async move { serve(listener, routes, std::future::pending()).await });
    url
}

/// A processor with one slot, `p`, and services at these addresses; answers its own.
pub async fn processor(store: &Arc<dyn StorageAdapter>, services: &[(&str, &str)]) -> String {
    tasker_http::install_crypto();
    let args = ProcessorArgs {
        slot: "p".into(),
        concurrency: 1,
        call_timeout_ms: 5_000,
        result_bytes: 1_000,
    };
    let mounted = |url: &str| {
        let own = (NAME.to_owned(), format!("{url}/{NAME}"));
        let others = services.iter().map(|(name, url)| ((*name).to_owned(), (*url).to_owned()));
        let all: HashMap<_, _> = others.chain([own]).collect();
        let peers = Peers::at(url, all, None).unwrap();
        let own = format!("{url}/{NAME}");
        mount(NAME, router(State::new(store.clone(), peers, &args, own)))
    };
    format!("{}/{NAME}", served(mounted).await)
}

/// Tells a processor to look for work.
pub fn trigger(processor: &str) -> reqwest::RequestBuilder {
    reqwest::Client::new().post(processor).json(&json!({ "trigger": "process-next" }))
}

/// A run that nobody has taken yet.
pub async fn submitted(store: &Arc<dyn StorageAdapter>) -> Submitted {
    store.publish("t", "1", None).await.unwrap();
    let new = NewRun { name: "t".into(), input: raw::null(), code: None, parent: None };
    store.submit(&new).await.unwrap()
}

/// A connection beside the store's, on which nobody else gets at the rows until it rolls back.
pub async fn blocker(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Takes the rows away.
pub const BLOCK: &str = "begin; lock table stack_runs in access exclusive mode";
