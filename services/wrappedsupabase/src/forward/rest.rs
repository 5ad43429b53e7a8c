//! The database, by PostgREST.

use http::{Method, StatusCode, header};
use serde_json::Value;
use tasker_core::{Json, json};

use super::{Credentials, Forward, Reply, Wire, step};
use crate::{
    chain::{Accept, One, RestCall, Verb},
    fault::Fault,
    plan,
    result::Outcome,
};

/// Sends a request as supabase-js does, and makes its result of the answer.
pub async fn rest(
    project: &Forward,
    call: &RestCall,
    credentials: &Credentials,
) -> Result<Outcome, Fault> {
    plan::guard(call)?;
    let wire = wire(project, call)?;
    let reply = project.exchange(&wire, credentials).await?;
    result(call, &wire.method, reply)
}

fn wire(project: &Forward, call: &RestCall) -> Result<Wire, Fault> {
    let function = if matches!(call.verb, Verb::Rpc { .. }) { "rpc/" } else { "" };
    let mut url = project.url(&format!("/rest/v1/{function}{}", step(&call.target)?))?;
    if !call.params.is_empty() {
        let pairs = call.params.iter().map(|p| (&p.key, &p.value));
        url.query_pairs_mut().extend_pairs(pairs);
    }
    let method = match call.verb {
        Verb::Select | Verb::Rpc { get: true } if call.head => Method::HEAD,
        Verb::Select | Verb::Rpc { get: true } => Method::GET,
        Verb::Insert | Verb::Upsert { .. } | Verb::Rpc { get: false } => Method::POST,
        Verb::Update => Method::PATCH,
        Verb::Delete => Method::DELETE,
    };
    let reads = [Method::GET, Method::HEAD].contains(&method);
    let body = if reads { None } else { call.body.as_ref().map(|b| b.get().as_bytes().to_vec()) };
    let headers = headers(call, reads);
    Ok(Wire { method, url, headers, body, token: None, retry: call.retry })
}

fn headers(call: &RestCall, reads: bool) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
    let schema = call.schema.clone().unwrap_or_else(|| "public".into());
    add(if reads { "accept-profile" } else { "content-profile" }, schema);
    if !reads {
        add(header::CONTENT_TYPE.as_str(), "application/json".into());
    }
    if !call.prefer.is_empty() {
        add("prefer", call.prefer.join(", "));
    }
    if let Some(accept) = accept(call) {
        add(header::ACCEPT.as_str(), accept);
    }
    // Keys, and what gateways believe, are not the task's to set.
    let own = |name: &str| {
        name.starts_with("x-")
            && !["x-forwarded", "x-client-info", "x-retry-count", "x-tasker"]
                .iter()
                .any(|closed| name.starts_with(closed))
    };
    for (name, value) in call.headers.iter().filter(|(name, _)| own(name)) {
        add(name, value.clone());
    }
    headers
}

fn accept(call: &RestCall) -> Option<String> {
    let stripped = if call.strip_nulls { ";nulls=stripped" } else { "" };
    Some(match call.accept {
        Accept::Usual if call.strip_nulls => {
            "application/vnd.pgrst.array+json;nulls=stripped".into()
        }
        Accept::Usual => return None,
        Accept::Object => format!("application/vnd.pgrst.object+json{stripped}"),
        Accept::Csv => "text/csv".into(),
        Accept::Geo => "application/geo+json".into(),
        Accept::Plan(explain, of) => {
            let words = [
                (explain.analyze, "analyze"),
                (explain.verbose, "verbose"),
                (explain.settings, "settings"),
                (explain.buffers, "buffers"),
                (explain.wal, "wal"),
            ];
            let on: Vec<&str> = words.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
            let format = if explain.json { "json" } else { "text" };
            let options = on.join("|");
            format!("application/vnd.pgrst.plan+{format}; for=\"{of}\"; options={options};")
        }
    })
}

fn result(call: &RestCall, method: &Method, reply: Reply) -> Result<Outcome, Fault> {
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    if !reply.status.is_success() {
        return refused(&reply, text);
    }
    let is_text = match call.accept {
        Accept::Csv => true,
        Accept::Plan(explain, _) => !explain.json,
        _ => false,
    };
    let mut count = None;
    if call.count.is_some() {
        let range = reply.header("content-range").and_then(|r| r.split('/').nth(1));
        count = range.and_then(|total| total.parse().ok());
    }
    let status = reply.status;
    let data = if *method == Method::HEAD || text.is_empty() {
        json::null()
    } else if is_text {
        json::of(&text)
    } else {
        json::parse(text.clone()).map_err(|_| {
            let mut fault = Fault::new(StatusCode::OK, status, "", text.clone());
            fault.said = Some(json::of(&serde_json::json!({ "message": text })));
            fault.count = count;
            fault
        })?
    };
    if call.one == One::OrNone
        && let Ok(mut rows) = serde_json::from_str::<Vec<Json>>(data.get())
    {
        return match rows.len() {
            0 => Ok(Outcome { data: json::null(), count, status }),
            1 => Ok(Outcome { data: rows.remove(0), count, status }),
            n => Err(Fault::several(n)),
        };
    }
    Ok(Outcome { data, count, status })
}

/// PostgREST's error, in its own words.
fn refused(reply: &Reply, text: String) -> Result<Outcome, Fault> {
    let status = reply.status;
    let said = json::parse(text.clone()).ok();
    if status == StatusCode::NOT_FOUND {
        if text.is_empty() {
            let status = StatusCode::NO_CONTENT;
            return Ok(Outcome { data: json::null(), count: None, status });
        }
        if said.as_ref().is_some_and(|s| s.get().starts_with('[')) {
            let data = json::of::<[(); 0]>(&[]);
            return Ok(Outcome { data, count: None, status: StatusCode::OK });
        }
    }
    let said = said.unwrap_or_else(|| json::of(&serde_json::json!({ "message": text })));
    let of: Value = serde_json::from_str(said.get()).unwrap_or_default();
    let word = |name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let mut fault = Fault::new(reply.passed_on(), status, &word("code"), word("message"));
    fault.said = Some(said);
    Err(fault)
}
