//! Every method of the query builder, against a real Postgres and a real SQLite.

use crate::cases;
use crate::common;

use axum::Router;
use cases::{Case, Lite};
use common::{fill, lite, over, run};
use serde_json::Value;
use tasker_testkit::pg::Server;
use wrappedsupabase::chain::names::{Rest, Root};

/// Postgres writes a numeric 20 as `20`, SQLite a real one as `20.0`.
fn even(value: &Value) -> Value {
    match value {
        Value::Number(n) => match n.as_f64() {
            Some(f) if f.fract() == 0.0 => Value::from(f as i64),
            _ => value.clone(),
        },
        Value::Array(all) => all.iter().map(even).collect(),
        Value::Object(o) => Value::Object(o.iter().map(|(k, v)| (k.clone(), even(v))).collect()),
        other => other.clone(),
    }
}

/// What is wrong with an answer.
fn wrong(case: &Case, got: &Value) -> Option<String> {
    let told = || Some(format!("{} {}\n  got {got}", case.method, case.links));
    let success = case.error.is_none();
    let mut fine = got["success"] == success && got["status"] == case.status;
    fine &= got["count"] == case.count.map_or(Value::Null, Value::from);
    match case.error {
        Some(code) => fine &= got["error"]["code"] == code && got["data"].is_null(),
        // A plan is never the same twice.
        None if case.data == "plan" => fine &= got["data"][0]["Plan"].is_object(),
        None => fine &= even(&got["data"]) == even(&case.data) && got["error"].is_null(),
    }
    if fine { None } else { told() }
}

async fn check(app: &Router, all: &[Case]) {
    let mut failed = Vec::new();
    for case in all {
        failed.extend(wrong(case, &run(app, &case.links).await));
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), all.len(), failed.join("\n"));
}

#[tokio::test]
async fn on_postgres() {
    let server = Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let store = tasker_store::connect(database.url()).await.unwrap();
    fill(&*store).await;
    check(&over(store), &cases::all()).await;
}

#[tokio::test]
async fn on_sqlite() {
    let as_lite = |mut case: Case| {
        match case.lite.clone() {
            Lite::Same | Lite::Absent => {}
            // Null stands for what only Postgres has.
            Lite::Data(Value::Null) => (case.error, case.status) = (Some("42703"), 400),
            Lite::Data(data) => case.data = data,
            Lite::Refuses(code) => {
                (case.error, case.status, case.count) = (Some(code), 400, None);
            }
        }
        case
    };
    let all = cases::all().into_iter().filter(|c| !matches!(c.lite, Lite::Absent));
    let all: Vec<Case> = all.map(as_lite).collect();
    check(&over(lite().await), &all).await;
}

#[test]
fn no_method_is_without_a_case() {
    let all = cases::all();
    let names = Rest::NAMES.iter().chain(Root::NAMES).filter(|n| !["auth", "storage"].contains(n));
    let missing: Vec<_> = names.filter(|n| !all.iter().any(|c| c.method == **n)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What the cases of a method say of a database.
fn summary(of: &[&Case], refused: impl Fn(&Case) -> Option<&'static str>) -> String {
    let codes: std::collections::BTreeSet<_> = of.iter().filter_map(|c| refused(c)).collect();
    let answered = of.iter().filter(|c| refused(c).is_none()).count();
    let codes: Vec<_> = codes.into_iter().collect();
    match (answered, codes.is_empty()) {
        (0, _) => format!("refused: {}", codes.join(", ")),
        (n, true) => format!("yes ({n})"),
        (n, false) => format!("yes ({n}); refused: {}", codes.join(", ")),
    }
}

/// The table of docs/supabase-js.md.
fn table() -> String {
    use wrappedsupabase::chain::names::{Admin, Buckets, Files, Mfa, Oauth, Providers};
    let all = cases::all();
    let mut lines =
        vec!["| method | Postgres | SQLite | forwarded |".to_owned(), "|---|---|---|---|".into()];
    let methods = Root::NAMES.iter().chain(Rest::NAMES);
    for name in methods.filter(|n| !["auth", "storage"].contains(n)) {
        let of: Vec<&Case> = all.iter().filter(|c| c.method == *name).collect();
        let cannot = |code: &'static str| ["0A000", "PGRST107"].contains(&code).then_some(code);
        let postgres = summary(&of, |c| c.error.and_then(cannot));
        let on_lite: Vec<&Case> =
            of.iter().filter(|c| !matches!(c.lite, Lite::Absent)).copied().collect();
        let lite = summary(&on_lite, |c| match c.lite {
            Lite::Refuses(code) => Some(code),
            _ => c.error.and_then(cannot),
        });
        let sent = of.iter().filter(|c| c.in_js).count();
        lines.push(format!("| `{name}` | {postgres} | {lite} | yes ({sent}) |"));
    }
    let chains: Vec<String> = cases::project::all().iter().map(Value::to_string).collect();
    let parts: [(&str, &[&str]); 6] = [
        ("auth.admin.", Admin::NAMES),
        ("auth.admin.mfa.", Mfa::NAMES),
        ("auth.admin.oauth.", Oauth::NAMES),
        ("auth.admin.customProviders.", Providers::NAMES),
        ("storage.", Buckets::NAMES),
        ("storage.from().", Files::NAMES),
    ];
    for (part, names) in parts {
        let words = part.trim_end_matches('.').split('.').map(|w| w.trim_end_matches("()"));
        let inside = ["mfa", "oauth", "customProviders", "from"];
        for name in names.iter().filter(|n| !inside.contains(n)) {
            let named = |c: &&String| {
                words.clone().all(|w| c.contains(&format!("\"{w}\"")))
                    && c.contains(&format!("[\"{name}\""))
            };
            let sent = chains.iter().filter(named).count();
            assert!(sent > 0, "{part}{name} has no case");
            let refused = "needs a project";
            lines.push(format!("| `{part}{name}` | {refused} | {refused} | yes ({sent}) |"));
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn the_documented_table_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/supabase-js.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once("<!-- methods -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let now = format!("{before}<!-- methods -->\n{}<!-- end -->{after}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &now).unwrap();
    } else {
        assert_eq!(text, now, "run this test with UPDATE_DOCS=1");
    }
}
