//! The service account: its RSA key and the key file that clients read.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rsa::RsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use serde::{Deserialize, Serialize};

use crate::rng;

const PROJECT: &str = "workspace-emulator";
const ISSUER: &str = "tester@workspace-emulator.iam.gserviceaccount.example";
const BITS: usize = 2048;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds something else, perhaps a real key: it is left alone.
    #[error(
        "{0}: holds something that this emulator did not write; name another file, or delete it"
    )]
    Foreign(PathBuf),
    /// The key could not be made or written down.
    #[error("RSA key: {0}")]
    Rsa(String),
}

/// The service account that clients sign as.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    /// `iss` of its assertions.
    pub email: String,
    /// Names the key pair.
    pub key_id: String,
    key: RsaPrivateKey,
}

/// A service-account key file, as Google's console would give it.
#[derive(Debug, Serialize, Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: String,
    project_id: String,
    private_key_id: String,
    private_key: String,
    client_email: String,
    client_id: String,
    auth_uri: String,
    token_uri: String,
    universe_domain: String,
}

impl ServiceAccount {
    /// Takes the key out of `path` if this emulator wrote it there, else makes the seed's.
    ///
    /// # Errors
    /// [`KeyError`]: unreadable file, a file of somebody else.
    pub fn load_or_generate(path: Option<&Path>, seed: u64) -> Result<Self, KeyError> {
        let Some(path) = path else { return Self::generate(seed) };
        match std::fs::read_to_string(path) {
            Ok(text) if text.trim().is_empty() => Self::generate(seed),
            Ok(text) => Self::parse(&text).ok_or_else(|| KeyError::Foreign(path.to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::generate(seed),
            Err(source) => Err(KeyError::File { path: path.to_owned(), source }),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let file: KeyFile = serde_json::from_str(text).ok()?;
        let key = RsaPrivateKey::from_pkcs8_pem(&file.private_key).ok()?;
        let ours = file.client_email == ISSUER && file.project_id == PROJECT;
        ours.then_some(Self { email: file.client_email, key_id: file.private_key_id, key })
    }

    /// The key of `seed`, always the same one. It protects nothing but invented mail.
    ///
    /// # Errors
    /// [`KeyError::Rsa`] if no key can be made.
    pub fn generate(seed: u64) -> Result<Self, KeyError> {
        // A test process starts many emulators; the arithmetic is worth doing once.
        static MADE: Mutex<BTreeMap<u64, ServiceAccount>> = Mutex::new(BTreeMap::new());
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = made.get(&seed) {
            return Ok(account.clone());
        }
        let account = Self::make(seed)?;
        made.insert(seed, account.clone());
        Ok(account)
    }

    fn make(seed: u64) -> Result<Self, KeyError> {
        let rsa = |error: rsa::Error| KeyError::Rsa(error.to_string());
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let key = RsaPrivateKey::new(&mut random, BITS).map_err(rsa)?;
        let modulus = rsa::traits::PublicKeyParts::n(&key).to_bytes_be();
        let key_id = format!("{:016x}{:024x}", rng::hash(&modulus), seed);
        Ok(Self { email: ISSUER.to_owned(), key_id, key })
    }

    /// The private key, for tests that sign assertions themselves.
    pub fn private_key(&self) -> &RsaPrivateKey {
        &self.key
    }

    /// The key file's JSON, with the token endpoint at `token_uri`.
    ///
    /// # Errors
    /// [`KeyError::Rsa`] if the key cannot be written as PEM.
    pub fn to_json(&self, token_uri: &str) -> Result<String, KeyError> {
        let text = |error: String| KeyError::Rsa(error);
        let pem = self.key.to_pkcs8_pem(LineEnding::LF).map_err(|e| text(e.to_string()))?;
        let file = KeyFile {
            kind: "service_account".to_owned(),
            project_id: PROJECT.to_owned(),
            private_key_id: self.key_id.clone(),
            private_key: pem.to_string(),
            client_email: self.email.clone(),
            client_id: "100000000000000000042".to_owned(),
            auth_uri: "https://accounts.google.com/o/oauth2/auth".to_owned(),
            token_uri: token_uri.to_owned(),
            universe_domain: "googleapis.com".to_owned(),
        };
        serde_json::to_string_pretty(&file).map_err(|e| text(e.to_string()))
    }
}

/// Writes the key file, readable by its owner alone; whole or not at all.
///
/// # Errors
/// [`KeyError::File`] if the folder cannot be written.
pub fn write(path: &Path, json: &str) -> Result<(), KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = PathBuf::from(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary).map_err(failed)?;
    file.write_all(json.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
    std::fs::rename(&temporary, path).map_err(failed)
}
