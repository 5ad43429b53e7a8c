//! AES-256-GCM over bytes: nonce, ciphertext and tag in one.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Generate, Payload},
};
use zeroize::Zeroizing;

use crate::SealError;

/// A 256 bit key.
pub type Key = Zeroizing<[u8; 32]>;

const NONCE: usize = 12;

/// A new key from the operating system's randomness.
pub fn new_key() -> Result<Key, SealError> {
    let key = aes_gcm::Key::<Aes256Gcm>::try_generate().map_err(|_| SealError::NoRandomness)?;
    Ok(Zeroizing::new(key.into()))
}

/// Encrypts under a fresh nonce.
pub fn encrypt(key: &Key, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let nonce =
        aes_gcm::aead::Nonce::<Aes256Gcm>::try_generate().map_err(|_| SealError::NoRandomness)?;
    let payload = Payload { msg: plain, aad: place };
    // The one failure there is: a text of 64 GiB.
    let sealed = cipher(key).encrypt(&nonce, payload).map_err(|_| SealError::NoRandomness)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Decrypts; `None` if key, place or text are not those it was encrypted with.
pub fn decrypt(key: &Key, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.split_at_checked(NONCE)?;
    let nonce = aes_gcm::aead::Nonce::<Aes256Gcm>::try_from(nonce).ok()?;
    let payload = Payload { msg: text, aad: place };
    cipher(key).decrypt(&nonce, payload).ok().map(Zeroizing::new)
}

fn cipher(key: &Key) -> Aes256Gcm {
    Aes256Gcm::new(&(**key).into())
}
