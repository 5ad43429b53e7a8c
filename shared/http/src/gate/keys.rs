//! Keys that are compared, not parsed: `sb_...` keys, and the legacy keys as they are.

use anyhow::{Context as _, bail};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use super::{
    Role,
    args::{GateArgs, given},
};

/// Shorter ones are placeholders or can be guessed.
const SHORTEST: usize = 16;

/// Digests of the keys: equal length for the comparison, and no key in memory dumps of this list.
pub(super) struct Keys(Vec<([u8; 32], Role)>);

impl Keys {
    pub(super) fn new(args: &GateArgs) -> anyhow::Result<Self> {
        let mut keys = Self(Vec::new());
        let one = [
            ("SUPABASE_ANON_KEY", &args.anon_key, Role::Anon),
            ("SUPABASE_PUBLISHABLE_KEY", &args.publishable_key, Role::Anon),
            ("SUPABASE_SERVICE_ROLE_KEY", &args.service_role_key, Role::Service),
            ("SUPABASE_SECRET_KEY", &args.secret_key, Role::Service),
        ];
        for (name, key, role) in one {
            if let Some(key) = given(key.as_ref()) {
                keys.add(name, key, role)?;
            }
        }
        let several = [
            ("SUPABASE_PUBLISHABLE_KEYS", &args.publishable_keys, Role::Anon),
            ("SUPABASE_SECRET_KEYS", &args.secret_keys, Role::Service),
        ];
        for (name, text, role) in several {
            for key in named(name, given(text.as_ref()))? {
                keys.add(name, &key, role)?;
            }
        }
        Ok(keys)
    }

    fn add(&mut self, name: &str, key: &str, role: Role) -> anyhow::Result<()> {
        if key.len() < SHORTEST {
            bail!("{name} has a key of {} characters: it takes {SHORTEST} at least", key.len());
        }
        if self.role_of(key).is_some_and(|other| other != role) {
            bail!("{name} has a key that is also set as one of another role");
        }
        self.0.push((hash(key), role));
        Ok(())
    }

    /// The role of a key. Takes the same time whichever key it is, or none.
    pub(super) fn role_of(&self, key: &str) -> Option<Role> {
        let key = hash(key);
        let mut found = None;
        for (known, role) in &self.0 {
            if bool::from(known.ct_eq(&key)) {
                found = Some(*role);
            }
        }
        found
    }
}

fn hash(key: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    bytes
}

/// The keys of `{"name":"key"}`.
fn named(setting: &str, text: Option<&str>) -> anyhow::Result<Vec<String>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let wrong = || format!("{setting} must be JSON like {{\"default\":\"sb_...\"}}");
    // The parser's own words could repeat a key.
    let map: Map<String, Value> = serde_json::from_str(text).ok().with_context(wrong)?;
    let text = |v: Value| v.as_str().map(|key| key.trim().to_owned());
    map.into_values().map(|v| text(v).with_context(wrong)).collect()
}
