//! Requests that come again under their key.

use std::collections::{BTreeMap, HashMap};

use http::{HeaderMap, StatusCode};
use tasker_core::Json;
use tasker_http::{Caller, Role};
use tasker_tables::Once;

use crate::fault::Fault;

const KEY: &str = "idempotency-key";
/// The longest key.
const LONGEST: usize = 255;

/// The request by its key, if it has one.
pub fn of(
    headers: &HeaderMap,
    caller: &Caller,
    body: &HashMap<String, Json>,
) -> Result<Option<Once>, Fault> {
    let Some(value) = headers.get(KEY) else { return Ok(None) };
    let key = value.to_str().ok().filter(|k| !k.is_empty() && k.len() <= LONGEST);
    let key = key.ok_or_else(|| {
        let bad = StatusCode::BAD_REQUEST;
        let message =
            format!("header Idempotency-Key must be 1 to {LONGEST} printable ASCII characters");
        Fault::new(bad, bad, "INVALID_REQUEST", message)
    })?;
    let subject = caller.subject.as_deref().unwrap_or_default();
    // One user's key tells another one nothing.
    let caller = match caller.role {
        Role::Service => String::new(),
        role => format!("{} {subject}", role.as_str()),
    };
    Ok(Some(Once { caller, key: key.to_owned(), request: digest(body) }))
}

/// A digest of a request's fields, whatever their order.
fn digest(body: &HashMap<String, Json>) -> String {
    let fields: BTreeMap<&str, &str> = body.iter().map(|(k, v)| (k.as_str(), v.get())).collect();
    let mut all = ring::digest::Context::new(&ring::digest::SHA256);
    for (name, value) in fields {
        for part in [name, value] {
            all.update(&(part.len() as u64).to_be_bytes());
            all.update(part.as_bytes());
        }
    }
    all.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
