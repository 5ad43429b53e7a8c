//! Master keys in the order of use, and what is done with them.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use zeroize::Zeroizing;

use crate::{
    MasterKey, Place, SealError, Secret,
    cipher::{self, Key},
};

/// Begins every sealed text.
const MARK: &str = "tasker:v1:";

/// Master keys: the first seals, all of them open.
#[derive(Clone, Debug)]
pub struct Keyring(Vec<MasterKey>);

/// The parts of a sealed text.
struct Sealed<'a> {
    master: &'a str,
    data_key: Vec<u8>,
    value: &'a str,
}

/// Whether a text is sealed, or at least says so.
pub fn is_sealed(text: &str) -> bool {
    text.starts_with(MARK)
}

/// Id of the master key that a text is sealed with.
pub fn master_key_of(text: &str) -> Option<&str> {
    text.strip_prefix(MARK)?.split(':').next()
}

impl Keyring {
    /// Keys in the order of use.
    ///
    /// # Errors
    /// [`SealError::NoKey`] if there is none.
    pub fn new(keys: Vec<MasterKey>) -> Result<Self, SealError> {
        if keys.is_empty() { Err(SealError::NoKey) } else { Ok(Self(keys)) }
    }

    /// Reads keys from a setting or a file, separated by commas or white space; what follows a `#`
    /// on its line is a comment. `what` names the setting in errors.
    ///
    /// # Errors
    /// [`SealError::BadKey`] naming which is none, [`SealError::NoKey`] if there is none at all.
    pub fn parse(text: &str, what: &str) -> Result<Self, SealError> {
        let line = |line: &'_ str| line.split('#').next().unwrap_or_default().to_owned();
        let text = Zeroizing::new(text.lines().map(line).collect::<Vec<_>>().join("\n"));
        let words = text.split([',', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty());
        let key = |(i, word)| MasterKey::parse(word, &format!("key {} of {what}", i + 1));
        Self::new(words.enumerate().map(key).collect::<Result<_, _>>()?)
    }

    /// The key that seals.
    pub fn current(&self) -> &MasterKey {
        &self.0[0]
    }

    /// All keys, the current one first.
    pub fn keys(&self) -> &[MasterKey] {
        &self.0
    }

    /// Seals a text for one place.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn seal(&self, place: &Place, secret: &str) -> Result<String, SealError> {
        let data_key = cipher::new_key()?;
        let value = cipher::encrypt(&data_key, &place.bytes("value"), secret.as_bytes())?;
        self.write(place, &data_key, &BASE64.encode(value))
    }

    /// Opens a sealed text at its place.
    ///
    /// # Errors
    /// A master key that is not here, or a text that is not what was sealed for this place.
    pub fn open(&self, place: &Place, sealed: &str) -> Result<Secret, SealError> {
        let broken = || SealError::Broken { place: place.to_string() };
        let parts = Sealed::read(sealed).ok_or_else(broken)?;
        let data_key = self.unwrap(place, &parts)?;
        let value = BASE64.decode(parts.value).map_err(|_| broken())?;
        let plain = cipher::decrypt(&data_key, &place.bytes("value"), &value).ok_or_else(broken)?;
        std::str::from_utf8(&plain).map(|t| Zeroizing::new(t.to_owned())).map_err(|_| broken())
    }

    /// Seals a value's data key anew, under the current master key; `None` if it is already.
    ///
    /// # Errors
    /// As [`Keyring::open`].
    pub fn rewrap(&self, place: &Place, sealed: &str) -> Result<Option<String>, SealError> {
        if master_key_of(sealed) == Some(self.current().id()) {
            return Ok(None);
        }
        // Opened whole: a broken value must not look as if it had been looked after.
        self.open(place, sealed)?;
        let broken = || SealError::Broken { place: place.to_string() };
        let parts = Sealed::read(sealed).ok_or_else(broken)?;
        let data_key = self.unwrap(place, &parts)?;
        self.write(place, &data_key, parts.value).map(Some)
    }

    fn write(&self, place: &Place, data_key: &Key, value: &str) -> Result<String, SealError> {
        let master = self.current();
        let wrapped = cipher::encrypt(&master.key, &place.bytes("data key"), &**data_key)?;
        Ok(format!("{MARK}{}:{}:{value}", master.id(), BASE64.encode(wrapped)))
    }

    fn unwrap(&self, place: &Place, parts: &Sealed<'_>) -> Result<Key, SealError> {
        let master = self.0.iter().find(|key| key.id() == parts.master);
        let master = master.ok_or_else(|| SealError::UnknownKey {
            place: place.to_string(),
            key: parts.master.chars().take(20).collect(),
        })?;
        let broken = || SealError::Broken { place: place.to_string() };
        let key = cipher::decrypt(&master.key, &place.bytes("data key"), &parts.data_key);
        let key = key.ok_or_else(broken)?;
        key.as_slice().try_into().map(Zeroizing::new).map_err(|_| broken())
    }
}

impl<'a> Sealed<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix(MARK)?.split(':');
        let (master, data_key, value) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Some(Self { master, data_key: BASE64.decode(data_key).ok()?, value })
    }
}
