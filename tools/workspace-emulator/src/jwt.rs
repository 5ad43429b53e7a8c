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
    let claims: Claims = decode(payload)
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or_else(malformed)?;
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
    if signature.is_none_or(|signature| key.verify(signed.as_bytes(), &signature).is_err()) {
        return Err(TokenError::new("invalid_grant", "Invalid JWT Signature."));
    }
    if !expected.audiences.contains(&claims.aud) {
        let message =
            "Invalid JWT: Failed audience check. The right audience is the token endpoint";
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

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE;
    use rsa::pkcs1v15::SigningKey;
    use rsa::signature::{SignatureEncoding, Signer};
    use serde_json::{Value, json};

    use super::*;
    use crate::key::ServiceAccount;

    const NOW: i64 = 1_800_000_000;

    fn claims() -> Value {
        json!({ "iss": "sa@x", "aud": "good", "scope": "s", "iat": NOW, "exp": NOW + 3600 })
    }

    fn sign(header: &Value, claims: &Value, seed: u64, padded: bool) -> String {
        let encode = |bytes: &[u8]| match padded {
            true => URL_SAFE.encode(bytes),
            false => URL_SAFE_NO_PAD.encode(bytes),
        };
        let signed = format!(
            "{}.{}",
            encode(header.to_string().as_bytes()),
            encode(claims.to_string().as_bytes())
        );
        let account = ServiceAccount::generate(seed).unwrap();
        let key = SigningKey::<Sha256>::new(account.private_key().clone());
        format!("{signed}.{}", encode(&key.sign(signed.as_bytes()).to_vec()))
    }

    fn check(assertion: &str) -> Result<Claims, String> {
        let account = ServiceAccount::generate(42).unwrap();
        let audiences = ["good".to_owned()];
        let key = account.private_key().to_public_key();
        let expected = Expected { key: &key, issuer: "sa@x", audiences: &audiences, now: NOW };
        verify(assertion, &expected).map_err(|error| error.to_string())
    }

    fn rs256(claims: &Value) -> Result<Claims, String> {
        check(&sign(&json!({ "alg": "RS256" }), claims, 42, false))
    }

    #[test]
    fn padded_and_unpadded_assertions_count() {
        for padded in [true, false] {
            let assertion =
                sign(&json!({ "alg": "RS256", "typ": "JWT", "kid": "k" }), &claims(), 42, padded);
            assert_eq!(check(&assertion).unwrap().scope, "s");
            assert_eq!(peek(&assertion).unwrap().iss, "sa@x");
        }
    }

    #[test]
    fn forged_assertions_do_not() {
        let wrong = "invalid_grant: Invalid JWT Signature.";
        for header in [
            json!({ "alg": "none" }),
            json!({ "alg": "HS256" }),
            json!({ "alg": "RS512" }),
            json!({}),
        ] {
            assert_eq!(check(&sign(&header, &claims(), 42, false)).unwrap_err(), wrong);
        }
        let good = json!({ "alg": "RS256" });
        assert_eq!(check(&sign(&good, &claims(), 43, false)).unwrap_err(), wrong);
        let assertion = sign(&good, &claims(), 42, false);
        let (head, signature) = assertion.rsplit_once('.').unwrap();
        let other = URL_SAFE_NO_PAD.encode(json!({ "iss": "sa@x", "aud": "good" }).to_string());
        let swapped = format!("{}.{other}.{signature}", head.split('.').next().unwrap());
        assert_eq!(check(&swapped).unwrap_err(), wrong);
        assert_eq!(check(&format!("{head}.")).unwrap_err(), wrong);
        for broken in ["", ".", "..", "a.b.c", "é.é.é", head] {
            assert!(check(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn times_audience_and_issuer_must_fit() {
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            rs256(&claims)
        };
        assert!(with("exp", json!(NOW - 1)).unwrap_err().contains("short-lived"));
        assert!(with("exp", json!(NOW + 3901)).unwrap_err().contains("short-lived"));
        assert!(with("iat", json!(NOW + 301)).unwrap_err().contains("short-lived"));
        assert!(with("iat", json!(NOW + 290)).is_ok());
        assert!(with("iat", Value::Null).is_err());
        assert!(with("aud", json!("evil")).unwrap_err().contains("audience"));
        assert!(with("iss", json!("other@x")).unwrap_err().contains("account not found"));
    }
}
