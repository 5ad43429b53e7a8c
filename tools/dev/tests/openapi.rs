//! The services' OpenAPI documents: every route is in them, and they change on purpose only.
//!
//! `docs/openapi/` is what clients read; `UPDATE=1 cargo test --test openapi` writes it anew.
#![allow(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::{collections::BTreeSet, fs, path::Path};

use tasker_http::openapi::Document;

/// A service's name, its document and the source that routes it.
type Service = (&'static str, fn() -> Document, &'static str);

const SERVICES: [Service; 7] = [
    ("tasks", tasks::openapi::document, "services/tasks/src/routes.rs"),
    (
        "simple-stack-processor",
        simple_stack_processor::openapi::document,
        "services/simple-stack-processor/src/lib.rs",
    ),
    ("deno-executor", deno_executor::openapi::document, "services/deno-executor/src/lib.rs"),
    ("wrappedgapi", wrappedgapi::openapi::document, "services/wrappedgapi/src/routes.rs"),
    ("wrappedfetch", wrappedfetch::openapi::document, "services/wrappedfetch/src/routes.rs"),
    (
        "wrappedkeystore",
        wrappedkeystore::openapi::document,
        "services/wrappedkeystore/src/routes.rs",
    ),
    (
        "wrappedsupabase",
        wrappedsupabase::openapi::document,
        "services/wrappedsupabase/src/routes.rs",
    ),
];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn they_are_as_published() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut changed = Vec::new();
    for (name, document, _) in SERVICES {
        let file = root().join(format!("docs/openapi/{name}.json"));
        let now = serde_json::to_string_pretty(document().json()).unwrap() + "\n";
        if update {
            fs::write(&file, &now).unwrap();
        }
        if fs::read_to_string(&file).ok() != Some(now) {
            changed.push(name);
        }
    }
    assert!(changed.is_empty(), "{changed:?} changed: UPDATE=1 writes docs/openapi anew");
}

/// A path that a document leaves out is a path that nobody is told about.
#[test]
fn every_route_is_documented() {
    for (name, document, source) in SERVICES {
        let document = document();
        let documented: BTreeSet<&str> = document.paths().collect();
        let text = fs::read_to_string(root().join(source)).unwrap();
        let routed = text.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        // The rest is for clients of an older generation, who post anywhere.
        let routed: BTreeSet<&str> = routed.filter(|path| !path.contains('*')).collect();
        assert!(!routed.is_empty(), "no routes in {source}");
        let missing: Vec<_> = routed.difference(&documented).collect();
        assert!(missing.is_empty(), "{name}: {missing:?} are in no document");
        let stale: Vec<_> = documented.difference(&routed).collect();
        assert!(stale.is_empty(), "{name}: {stale:?} are routed nowhere");
    }
}
