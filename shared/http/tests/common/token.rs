//! Tokens, signed by hand: hostile ones cannot be had from a library.

use std::{
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use rsa::{RsaPrivateKey, pkcs1::EncodeRsaPrivateKey as _, traits::PublicKeyParts as _};
use serde_json::{Value, json};

use super::SECRET;

pub const USER: &str = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";

pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

/// `header.payload` in base64.
pub fn unsigned(header: &Value, payload: &Value) -> String {
    format!("{}.{}", B64.encode(header.to_string()), B64.encode(payload.to_string()))
}

pub fn hs256(header: &Value, payload: &Value, secret: &[u8]) -> String {
    let message = unsigned(header, payload);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", B64.encode(tag.as_ref()))
}

pub fn typical(alg: &str) -> Value {
    json!({ "alg": alg, "typ": "JWT" })
}

/// A legacy key as a local Supabase has them.
pub fn legacy(role: &str) -> String {
    let payload = json!({ "iss": "supabase-demo", "role": role, "exp": 1_983_812_996_i64 });
    hs256(&typical("HS256"), &payload, SECRET.as_bytes())
}

/// Claims of a signed-in user.
pub fn user() -> Value {
    json!({
        "iss": "http://127.0.0.1:54321/auth/v1", "sub": USER, "aud": "authenticated",
        "role": "authenticated", "iat": now(), "exp": now() + 3600,
    })
}

/// The user's claims, with some changed; `null` takes one out.
pub fn user_with(changes: Value) -> Value {
    let mut claims = user();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

pub struct Es256 {
    pair: EcdsaKeyPair,
    pub kid: String,
}

impl Es256 {
    pub fn new(kid: &str) -> Self {
        let rng = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &rng).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &rng).unwrap();
        Self { pair, kid: kid.to_owned() }
    }

    pub fn point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub fn jwk(&self) -> Value {
        let (x, y) = self.point()[1..].split_at(32);
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
            "x": B64.encode(x), "y": B64.encode(y),
        })
    }

    pub fn header(&self) -> Value {
        json!({ "alg": "ES256", "typ": "JWT", "kid": self.kid })
    }

    pub fn token(&self, payload: &Value) -> String {
        self.token_with(&self.header(), payload)
    }

    pub fn token_with(&self, header: &Value, payload: &Value) -> String {
        let message = unsigned(header, payload);
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", B64.encode(signature.as_ref()))
    }
}

/// An RSA key; made once a process, since that takes a moment.
pub struct Rs256 {
    key: RsaPrivateKey,
    pair: RsaKeyPair,
}

pub fn rs256() -> &'static Rs256 {
    static KEY: OnceLock<Rs256> = OnceLock::new();
    KEY.get_or_init(|| {
        let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        let pair = RsaKeyPair::from_der(key.to_pkcs1_der().unwrap().as_bytes()).unwrap();
        Rs256 { key, pair }
    })
}

impl Rs256 {
    pub const KID: &str = "rsa-1";

    pub fn jwk(&self) -> Value {
        json!({
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": Self::KID,
            "n": B64.encode(self.key.n().to_bytes_be()), "e": B64.encode(self.key.e().to_bytes_be()),
        })
    }

    /// The public key as text, as an attacker has it.
    pub fn public_pem(&self) -> String {
        use rsa::pkcs8::{EncodePublicKey as _, LineEnding};
        self.key.to_public_key().to_public_key_pem(LineEnding::LF).unwrap()
    }

    pub fn token(&self, payload: &Value) -> String {
        let message = unsigned(&json!({ "alg": "RS256", "typ": "JWT", "kid": Self::KID }), payload);
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let rng = SystemRandom::new();
        self.pair.sign(&RSA_PKCS1_SHA256, &rng, message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", B64.encode(signature))
    }
}
