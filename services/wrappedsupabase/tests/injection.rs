//! No argument ever becomes SQL: hostile texts in every place of a chain make the same statements as
//! harmless ones do, or none.

use crate::{common, injection_places::places, injection_texts::hostile};

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use axum::Router;
use common::{fill, lite, over, run};
use serde_json::json;
use tasker_testkit::pg::Server;
use tracing_subscriber::{Layer, layer::SubscriberExt as _};

/// Keeps the text of every statement that is about to be prepared.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        struct Text<'a>(&'a mut Vec<String>);
        impl tracing::field::Visit for Text<'_> {
            fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
                if field.name() == "sql" {
                    self.0.push(value.to_owned());
                }
            }
            fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
        }
        if event.metadata().target() == "tasker_tables" {
            event.record(&mut Text(&mut self.0.lock().unwrap()));
        }
    }
}

/// A statement with its quoted names taken out: what is left is ours alone.
fn normal(sql: &str) -> String {
    let mut out = String::new();
    let mut rest = sql;
    while let Some(open) = rest.find('"') {
        out.push_str(&rest[..open]);
        out.push_str("name");
        rest = &rest[open + 1..];
        loop {
            let close = rest.find('"').expect("an identifier that ends");
            rest = &rest[close + 1..];
            if !rest.starts_with('"') {
                break;
            }
            rest = &rest[1..];
        }
    }
    out + rest
}

/// Statements of each place that no harmless text makes.
async fn altered(
    app: &Router,
    seen: &Statements,
    hostile: &[String],
) -> (usize, usize, Vec<String>) {
    let (mut tried, mut made) = (0, 0);
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    for (place, harmless, links) in places() {
        run(app, &links(harmless)).await;
        let ours: BTreeSet<String> = seen.0.lock().unwrap().drain(..).map(|s| normal(&s)).collect();
        for text in hostile {
            let result = run(app, &links(text)).await;
            tried += 1;
            assert_ne!(result["error"]["code"], "57014", "{place}: {text} slept");
            for sql in seen.0.lock().unwrap().drain(..) {
                made += 1;
                let plain = normal(&sql);
                if !ours.contains(&plain) {
                    wrong.insert(format!("{place}: {plain}"), format!("{place} {text:?}: {sql}"));
                }
            }
        }
    }
    (tried, made, wrong.into_values().collect())
}

async fn prove(app: Router, seen: Statements, hostile: &[String]) {
    let (tried, made, wrong) = altered(&app, &seen, hostile).await;
    assert!(wrong.is_empty(), "{} altered:\n{}", wrong.len(), wrong.join("\n"));
    let users = run(&app, &json!([["from", "users"], ["select", "id", {"count": "exact"}]])).await;
    assert_eq!(users["count"], 3, "the table is as it was");
    eprintln!("{} places, {tried} chains, {made} statements: 0 altered", places().len());
}

/// For the thread of the test alone; others log as they like.
fn watched() -> (Statements, tracing::subscriber::DefaultGuard) {
    let seen = Statements::default();
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(seen.clone()));
    (seen, guard)
}

#[tokio::test]
async fn on_sqlite() {
    let app = over(lite().await);
    let (seen, _guard) = watched();
    prove(app, seen, &hostile()).await;
}

#[tokio::test]
async fn on_postgres() {
    let server = Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let store = tasker_store::connect(database.url()).await.unwrap();
    fill(&*store).await;
    let app = over(store);
    let (seen, _guard) = watched();
    // All of them with INJECTIONS=300, which takes its time.
    let many = std::env::var("INJECTIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let every = 300_usize.div_ceil(many);
    let some: Vec<String> = hostile().into_iter().step_by(every).collect();
    prove(app, seen, &some).await;
}

/// The check notices a text that does get through.
#[test]
fn what_gets_through_is_seen() {
    let with =
        |column: &str| normal(&format!("select \"r1\".\"{column}\" from \"users\" as \"r1\""));
    assert_eq!(with("name"), with("a\"\"; drop table users; --"));
    assert_ne!(with("name"), with("a\" from keystore; select \"b"));
}
