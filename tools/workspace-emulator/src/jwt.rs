//! Verifies the assertion of a service account (RFC 7523, RS256).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::RsaPublicKey;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::sha2::Sha256;
use rsa::signature::Verifier;
use serde::Deserialize;

use crate::error::TokenError;

/// Google allows an hour; some clients add a few minutes for clocks that differ.
const MAX_LIFETIME_S: i64 = 3900;
const SKEW_S: i64 = 300;

/// What an assertion claims.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    /// The service account.
    #[serde(default)]
    pub iss: String,
    /// Scopes, separated by spaces.
    #[serde(default)]
    pub scope: String,
    /// The token endpoint.
    #[serde(default)]
    pub aud: String,
    /// Epoch seconds.
    #[serde(default)]
    pub exp: i64,
    /// Epoch seconds.
    #[serde(default)]
    pub iat: i64,
    /// Whom the service account acts for.
    #[serde(default)]
    pub sub: Option<String>,
}

/// What a good assertion must agree with.
#[derive(Debug)]
pub struct Expected<'a> {
    /// The key pair's public half.
    pub key: &'a RsaPublicKey,
    /// The service account.
    pub issuer: &'a str,
    /// Every audience that counts.
    pub audiences: &'a [String],
    /// Epoch seconds.
    pub now: i64,
}

/// Reads the claims without believing them: for the request log and fault matching.
pub fn peek(assertion: &str) -> Option<Claims> {
    serde_json::from_slice(&decode(assertion.split('.').nth(1)?)?).ok()
}

/// Checks algorithm, issuer, signature, audience and times, in this order.
///
/// # Errors
/// [`TokenError`] as Google's token endpoint words it.
pub fn verify(assertion: &str, expected: &Expected<'_>) -> Result<Claims, TokenError> {
    let malformed = || TokenError::new("invalid_grant", "Bad Request");
    let (signed, signature) = assertion.rsplit_once('.').ok_or_else(malformed)?;
    let (header, payload) = signed.split_once('.').ok_or_else(malformed)?;
    let header: serde_json::Value =
        decode(header).and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(malformed)?;
    let claims: Claims =
        decode(payload).and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(malformed)?;
    // Anything but RS256 is refused before its key is looked at: "none" and HS256 are the classic traps.
    if header["alg"] != "RS256" {
        return Err(TokenError::new("invalid_grant", "Invalid JWT Signature."));
    }
    if claims.iss != expected.issuer {
        return Err(TokenError::new("invalid_grant", "Invalid grant: account not found"));
    }
    // Over the bytes as they came: clients pad or not, and JSON has many spellings.
    let signature = decode(signature).and_then(|bytes| Signature::try_from(&bytes[..]).ok());
    let key = VerifyingKey::<Sha256>::new(expected.key.clone());
    if !signature.is_some_and(|signature| key.verify(signed.as_bytes(), &signature).is_ok()) {
        return Err(TokenError::new("invalid_grant", "Invalid JWT Signature."));
    }
    if !expected.audiences.contains(&claims.aud) {
        let message = "Invalid JWT: Failed audience check. The right audience is the token endpoint";
        return Err(TokenError::new("invalid_grant", message));
    }
    check_times(&claims, expected.now)?;
    Ok(claims)
}

fn check_times(claims: &Claims, now: i64) -> Result<(), TokenError> {
    let lifetime = claims.exp.saturating_sub(claims.iat);
    let good = claims.exp > now
        && claims.iat > 0
        && claims.iat <= now + SKEW_S
        && (0..=MAX_LIFETIME_S).contains(&lifetime);
    good.then_some(()).ok_or_else(|| {
        TokenError::new(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable \
             timeframe. Check your 'iat' and 'exp' values and use a clock with skew to account \
             for clock differences between systems.",
        )
    })
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()
}
