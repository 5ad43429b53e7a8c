//! A master key: what data keys are wrapped with.

use std::fmt;

use base64::{Engine as _, engine::general_purpose};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{
    SealError,
    cipher::{self, Key},
};

/// Said before the key when its id is made, so that the id is the hash of nothing else.
const ID: &[u8] = b"tasker master key id";

/// A master key. It does not print itself.
#[derive(Clone)]
pub struct MasterKey {
    id: String,
    pub(crate) key: Key,
}

impl MasterKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn generate() -> Result<Self, SealError> {
        cipher::new_key().map(Self::new)
    }

    /// Reads a key: 32 bytes in base64 (either alphabet, padded or not) or hexadecimal.
    ///
    /// # Errors
    /// [`SealError::BadKey`] naming `what` was read.
    pub fn parse(text: &str, what: &str) -> Result<Self, SealError> {
        let text = text.trim();
        let bytes = if text.len() == 64 { from_hex(text) } else { from_base64(text) };
        let bytes = bytes.ok_or_else(|| SealError::BadKey(what.to_owned()))?;
        let key: [u8; 32] =
            bytes.as_slice().try_into().map_err(|_| SealError::BadKey(what.to_owned()))?;
        // A placeholder is no key, however well it is written.
        if key.iter().all(|byte| *byte == key[0]) {
            return Err(SealError::BadKey(what.to_owned()));
        }
        Ok(Self::new(Zeroizing::new(key)))
    }

    fn new(key: Key) -> Self {
        let hash = Sha256::new().chain_update(ID).chain_update(*key).finalize();
        let id = hash[..6].iter().fold(String::new(), |id, byte| format!("{id}{byte:02x}"));
        Self { id, key }
    }

    /// Twelve characters that tell this key from others, and nothing else about it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key as text, as [`MasterKey::parse`] reads it.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(general_purpose::STANDARD.encode(*self.key))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.map(byte).collect::<Option<Vec<u8>>>().map(Zeroizing::new)
}

fn from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim_end_matches('=');
    let url_safe = text.contains(['-', '_']);
    let engine =
        if url_safe { general_purpose::URL_SAFE_NO_PAD } else { general_purpose::STANDARD_NO_PAD };
    engine.decode(text).ok().map(Zeroizing::new)
}
