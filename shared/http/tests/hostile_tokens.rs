//! Tokens that an attacker would try.

use serde_json::{Value, json};

use crate::common::{
    SECRET, SECRET_KEY,
    token::{Es256, hs256, legacy, now, rs256, typical, unsigned, user, user_with},
};

pub const FORMAT: &str = "UNAUTHORIZED_INVALID_JWT_FORMAT";
const LEGACY: &str = "UNAUTHORIZED_LEGACY_JWT";
const ASYMMETRIC: &str = "UNAUTHORIZED_ASYMMETRIC_JWT";
pub const ALGORITHM: &str = "UNAUTHORIZED_UNSUPPORTED_TOKEN_ALGORITHM";
const KEY: &str = "INVALID_CREDENTIALS";
pub const ISSUER: &str = "http://127.0.0.1:54321/auth/v1";
const SHARED: &str = "a-symmetric-key-that-lies-in-the-key-set";

/// What it tries, the token, the code of the refusal.
pub type Hostile = (String, String, &'static str);

pub struct World {
    pub es: Es256,
    enc: Es256,
    thief: Es256,
}

impl World {
    pub fn new() -> Self {
        Self { es: Es256::new("es-1"), enc: Es256::new("es-enc"), thief: Es256::new("es-1") }
    }

    pub fn set(&self) -> Vec<Value> {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
        let mut enc = self.enc.jwk();
        enc["use"] = "enc".into();
        let shared =
            json!({ "kty": "oct", "alg": "HS256", "kid": "oct-1", "k": B64.encode(SHARED) });
        vec![self.es.jwk(), rs256().jwk(), enc, shared]
    }

    pub fn hostile(&self) -> Vec<Hostile> {
        let lists =
            [algorithms(), self.confusions(), forged(), self.keys(), claims(), shapes(), opaque()];
        lists.into_iter().flatten().collect()
    }

    /// A public key taken for a secret.
    fn confusions(&self) -> Vec<Hostile> {
        let set = json!({ "keys": self.set() }).to_string();
        let secrets = [
            ("HS256 by the RSA public PEM", rs256().public_pem().into_bytes()),
            ("HS256 by the trimmed PEM", rs256().public_pem().trim().as_bytes().to_vec()),
            ("HS256 by the EC point", self.es.point().to_vec()),
            ("HS256 by the key set's text", set.into_bytes()),
            ("HS256 by a symmetric key of the set", SHARED.as_bytes().to_vec()),
        ];
        let header = json!({ "alg": "HS256", "kid": "oct-1" });
        secrets
            .map(|(name, secret)| (name.into(), hs256(&header, &admin(), &secret), LEGACY))
            .into()
    }

    /// Keys that are not ours, and keys used for something else.
    fn keys(&self) -> Vec<Hostile> {
        let Self { es, enc, thief } = self;
        let own = |extra: Value| {
            let mut header = json!({ "alg": "ES256" });
            header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            thief.token_with(&header, &admin())
        };
        let zero = format!("{}.{}", unsigned(&es.header(), &admin()), "A".repeat(86));
        let labelled =
            |alg: &str, kid: &str| es.token_with(&json!({ "alg": alg, "kid": kid }), &admin());
        let list = [
            ("another key under our kid", own(json!({ "kid": "es-1" }))),
            ("unknown kid", own(json!({ "kid": "nobody" }))),
            ("kid is a path", own(json!({ "kid": "../../../../dev/null" }))),
            ("kid is SQL", own(json!({ "kid": "x' union select 'secret' --" }))),
            ("kid is an address", own(json!({ "kid": "http://127.0.0.1:1/jwks.json" }))),
            ("jku", own(json!({ "jku": "http://127.0.0.1:1/jwks.json", "kid": "thief" }))),
            ("x5u", own(json!({ "x5u": "http://127.0.0.1:1/cert.pem", "kid": "thief" }))),
            ("x5c", own(json!({ "x5c": ["MIIB"], "kid": "thief" }))),
            ("the key in the header", own(json!({ "jwk": thief.jwk() }))),
            (
                "the key in the header under our kid",
                own(json!({ "jwk": thief.jwk(), "kid": "es-1" })),
            ),
            ("no kid and another key", own(json!({}))),
            ("an encryption key", enc.token(&admin())),
            ("signature of zeros", zero),
            ("tampered ES256", tamper(&es.token(&user()))),
            ("tampered RS256", tamper(&rs256().token(&user()))),
            ("an EC signature as RS256", labelled("RS256", "es-1")),
            ("an RSA kid as ES256", labelled("ES256", "rsa-1")),
        ];
        list.map(|(name, token)| (name.into(), token, ASYMMETRIC)).into()
    }
}

/// Claims worth stealing, as good as a token can be otherwise.
pub fn admin() -> Value {
    user_with(json!({ "role": "service_role" }))
}

/// Somebody else's claims under the same signature.
fn tamper(token: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let payload = unsigned(&json!({}), &admin());
    format!("{}.{}.{}", parts[0], payload.split('.').nth(1).unwrap(), parts[2])
}

fn algorithms() -> Vec<Hostile> {
    let named = [
        "none", "None", "nONE", "NONE", "HS384", "HS512", "ES384", "PS256", "EdDSA", "hs256",
        " HS256", "",
    ];
    let mut list: Vec<Hostile> = Vec::new();
    for alg in named {
        let signed = hs256(&typical(alg), &admin(), SECRET.as_bytes());
        let bare = format!("{}.", unsigned(&typical(alg), &admin()));
        list.push((format!("alg '{alg}', signed"), signed, ALGORITHM));
        list.push((format!("alg '{alg}', unsigned"), bare, ALGORITHM));
    }
    let odd = [json!({}), json!({ "alg": null }), json!({ "alg": 5 }), json!({ "alg": ["HS256"] })];
    list.extend(
        odd.map(|h| (format!("header {h}"), hs256(&h, &admin(), SECRET.as_bytes()), FORMAT)),
    );
    list
}

fn forged() -> Vec<Hostile> {
    let header = |kid: &str| json!({ "alg": "HS256", "typ": "JWT", "kid": kid });
    let plain = typical("HS256");
    let good = legacy("anon");
    let list = [
        ("wrong secret", hs256(&plain, &admin(), b"another-secret-of-at-least-32-characters")),
        ("empty secret", hs256(&plain, &admin(), b"")),
        ("empty secret, kid is a path", hs256(&header("../../../../dev/null"), &admin(), b"")),
        ("kid is SQL", hs256(&header("x' union select '' --"), &admin(), b"")),
        ("secret with a line end", hs256(&plain, &admin(), format!("{SECRET}\n").as_bytes())),
        ("no signature", format!("{}.", unsigned(&plain, &admin()))),
        ("tampered payload", tamper(&good)),
        ("cut signature", good[..good.len() - 2].to_owned()),
        ("one character more", format!("{good}A")),
        ("padded signature", format!("{good}=")),
    ];
    list.map(|(name, token)| (name.into(), token, LEGACY)).into()
}

fn claims() -> Vec<Hostile> {
    let changes = [
        ("expired beyond the leeway", json!({ "exp": now() - 91 })),
        ("long expired", json!({ "exp": 1_000_000_000 })),
        ("exp 0", json!({ "exp": 0 })),
        ("negative exp", json!({ "exp": -1 })),
        ("exp is text", json!({ "exp": (now() + 3600).to_string() })),
        ("no exp", json!({ "exp": null })),
        ("not yet valid", json!({ "nbf": now() + 91 })),
        ("nbf is text", json!({ "nbf": "now" })),
        ("wrong aud", json!({ "aud": "somebody-else" })),
        ("list of wrong auds", json!({ "aud": ["a", "b"] })),
        ("aud is a number", json!({ "aud": 7 })),
        ("wrong iss", json!({ "iss": "https://evil.example/auth/v1" })),
        ("no iss", json!({ "iss": null })),
        ("iss is a list", json!({ "iss": [ISSUER] })),
        ("no role", json!({ "role": null })),
        ("empty role", json!({ "role": "" })),
        ("role is a number", json!({ "role": 1 })),
        ("role is a list", json!({ "role": ["service_role"] })),
        ("no sub", json!({ "sub": null })),
        ("empty sub", json!({ "sub": "" })),
        ("sub is a number", json!({ "sub": 1 })),
    ];
    let signed = |claims: &Value| hs256(&typical("HS256"), claims, SECRET.as_bytes());
    let mut list: Vec<Hostile> =
        changes.map(|(name, change)| (name.into(), signed(&user_with(change)), LEGACY)).into();
    let expired = json!({ "role": "service_role", "iss": "supabase", "exp": now() - 91 });
    list.push(("expired service key".into(), signed(&expired), LEGACY));
    list.push(("claims are a list".into(), signed(&json!([admin()])), LEGACY));
    list
}

fn shapes() -> Vec<Hostile> {
    let good = legacy("service_role");
    let parts: Vec<&str> = good.split('.').collect();
    let critical = json!({ "alg": "HS256", "crit": ["b64"], "b64": false });
    let list = [
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.x")),
        ("five parts", format!("{good}.x.y")),
        ("dots", "..".to_owned()),
        ("a word", "service_role".to_owned()),
        ("header is not base64", format!("%%%.{}.{}", parts[1], parts[2])),
        ("header is not JSON", format!("aGVsbG8.{}.{}", parts[1], parts[2])),
        ("header is a list", format!("W10.{}.{}", parts[1], parts[2])),
        ("crit", hs256(&critical, &admin(), SECRET.as_bytes())),
        ("a space inside", good.replacen('.', ". ", 1)),
        ("17 KB", format!("{}.{}", "a".repeat(17_000), &good[parts[0].len() + 1..])),
        ("1 MB", format!("{}.{}", "a".repeat(1 << 20), &good[parts[0].len() + 1..])),
    ];
    // A space belongs to the part it precedes: base64 does not know it.
    list.map(|(name, token)| {
        let code = if name == "a space inside" { LEGACY } else { FORMAT };
        (name.into(), token, code)
    })
    .into()
}

fn opaque() -> Vec<Hostile> {
    let list = [
        ("unknown secret key", "sb_secret_AAAAAAAAAAAAAAAAAAAAAA_BBBBBBBB".to_owned()),
        ("unknown publishable key", "sb_publishable_AAAAAAAAAAAAAAAAAAAA_BBB".to_owned()),
        ("a key cut short", SECRET_KEY[..SECRET_KEY.len() - 1].to_owned()),
        ("a key and more", format!("{SECRET_KEY}x")),
        ("a key's name only", "sb_secret_".to_owned()),
    ];
    list.map(|(name, token)| (name.into(), token, KEY)).into()
}
