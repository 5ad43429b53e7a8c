//! Tokens: signature, times, and the claims that say who it is.

use std::sync::Arc;

use anyhow::bail;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Caller, Role, args::GateArgs, jwks::Jwks, refusal::Refusal};

/// Clocks may differ by this much, seconds.
const LEEWAY: u64 = 30;
/// No provider's token comes near this.
const LONGEST: usize = 16 << 10;
/// A secret this short can be found by trying.
const SHORTEST_SECRET: usize = 16;

/// Checks tokens.
pub(super) struct Verifier {
    hs256: Option<DecodingKey>,
    jwks: Jwks,
    issuer: Option<String>,
    audience: String,
}

/// The part of a token's header that is believed: enough to find the key. Everything that would
/// bring a key along (`jwk`, `jku`, `x5u`, `x5c`) is left unread.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

impl Verifier {
    pub(super) fn new(args: &GateArgs) -> anyhow::Result<Self> {
        let secret = args.hs256_secret();
        if secret.is_some_and(|s| s.len() < SHORTEST_SECRET) {
            bail!("SUPABASE_JWT_SECRET is too short: {SHORTEST_SECRET} characters at least");
        }
        Ok(Self {
            hs256: secret.map(|s| DecodingKey::from_secret(s.as_bytes())),
            jwks: Jwks::new(args)?,
            issuer: args.issuer().map(str::to_owned),
            audience: args.audience().to_owned(),
        })
    }

    /// Who the token says its bearer is.
    pub(super) async fn verify(&self, token: &str) -> Result<Caller, Refusal> {
        let header = header(token).ok_or(Refusal::Format)?;
        let (algorithm, refusal) = match header.alg.as_str() {
            "HS256" => (Algorithm::HS256, Refusal::Legacy),
            "ES256" => (Algorithm::ES256, Refusal::Asymmetric),
            "RS256" => (Algorithm::RS256, Refusal::Asymmetric),
            _ => return Err(Refusal::Algorithm(header.alg)),
        };
        let key = match algorithm {
            Algorithm::HS256 => self.hs256.clone(),
            _ => self.jwks.key(algorithm, header.kid.as_deref()).await?,
        };
        let key = key.ok_or_else(|| refusal.clone())?;
        let claims = self.claims(token, &key, algorithm).ok_or_else(|| refusal.clone())?;
        self.caller(claims, algorithm).ok_or(refusal)
    }

    fn claims(
        &self,
        token: &str,
        key: &DecodingKey,
        algorithm: Algorithm,
    ) -> Option<Map<String, Value>> {
        // One algorithm, chosen by the kind of key and not by the token.
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_audience(&[&self.audience]);
        let decoded = jsonwebtoken::decode(token, key, &validation);
        decoded.inspect_err(|why| tracing::debug!(%why, "token refused")).ok().map(|d| d.claims)
    }

    /// `None` when a claim that matters is missing or of another type.
    fn caller(&self, claims: Map<String, Value>, algorithm: Algorithm) -> Option<Caller> {
        let text = |name: &str| match claims.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(text)) => Some(Some(text.clone())),
            Some(_) => None,
        };
        let role = match text("role")??.as_str() {
            "" => return None,
            "anon" => Role::Anon,
            "service_role" => Role::Service,
            _ => Role::Authenticated,
        };
        let (subject, issuer) = (text("sub")?.filter(|s| !s.is_empty()), text("iss")?);
        let audience =
            claims.get("aud").is_none_or(|a| a.is_string() || a.is_array() || a.is_null());
        // Legacy keys name no project as their issuer.
        let is_key = algorithm == Algorithm::HS256 && role != Role::Authenticated;
        let issued = is_key || self.issuer.is_none() || self.issuer == issuer;
        let anonymous = role == Role::Authenticated && subject.is_none();
        (audience && issued && !anonymous).then(|| Caller {
            role,
            subject,
            claims: Arc::new(claims),
        })
    }
}

fn header(token: &str) -> Option<Header> {
    if token.len() > LONGEST || token.bytes().filter(|b| *b == b'.').count() != 2 {
        return None;
    }
    let (first, _) = token.split_once('.')?;
    let header = BASE64_URL_SAFE_NO_PAD.decode(first).ok()?;
    let header: Header = serde_json::from_slice(&header).ok()?;
    // An extension that must be understood, and none is.
    header.crit.is_none().then_some(header)
}
