//! The one credential of a request that decides.
//!
//! Clients and gateways have sent keys in four ways: `Authorization` and `apikey` both (legacy keys,
//! and new keys until mid-2026), `apikey` alone (new keys since), a rewritten `Authorization`
//! (older gateways), and `sb-api-key` (newer ones). A token in `Authorization` decides alone: a
//! better key beside it does not help a bad or a lesser one.

use http::{HeaderMap, HeaderName, header};

use super::refusal::Refusal;

/// Set by newer gateways; from anybody else it means nothing.
pub(super) const SB_API_KEY: HeaderName = HeaderName::from_static("sb-api-key");
const APIKEY: HeaderName = HeaderName::from_static("apikey");

/// Keys that are compared and never parsed.
pub(super) fn is_opaque(credential: &str) -> bool {
    credential.starts_with("sb_")
}

/// What the caller shows.
pub(super) fn shown(headers: &HeaderMap, trust_sb_api_key: bool) -> Result<&str, Refusal> {
    let bearer = match single(headers, &header::AUTHORIZATION)? {
        Some(value) => Some(after_bearer(value).ok_or(Refusal::Format)?),
        None => None,
    };
    if let Some(token) = bearer.filter(|token| !is_opaque(token)) {
        return Ok(token);
    }
    let gateway = if trust_sb_api_key { single(headers, &SB_API_KEY)? } else { None };
    let gateway = gateway.map(|value| after_bearer(value).unwrap_or(value));
    gateway.or(single(headers, &APIKEY)?).or(bearer).ok_or(Refusal::NoHeader)
}

/// The value of a header that may be there once. Empty is not there.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Refusal::Format);
    }
    let text = first.map(|v| v.to_str().map_err(|_| Refusal::Format)).transpose()?;
    Ok(text.map(str::trim).filter(|t| !t.is_empty()))
}

fn after_bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
