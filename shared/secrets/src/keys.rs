//! Where the master keys come from: a setting, or a file that is read again when it changes, so
//! that a key can be changed without a restart.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tasker_seal::{KeySettings, Keyring, MasterKey, SealError, Zeroizing};
use tasker_sql::{Result, StoreError};

/// The setting's name, for errors.
const SETTING: &str = "TASKER_MASTER_KEY";
const COMMENT: &str = "# Master key of tasker's secrets. Keep a copy apart from the database: \
without it no secret can be read.\n";

/// The master keys of this process.
#[derive(Debug)]
pub struct MasterKeys(Source);

#[derive(Debug)]
enum Source {
    Nowhere,
    Given(Arc<Keyring>),
    File(KeyFile),
}

#[derive(Debug)]
struct KeyFile {
    path: PathBuf,
    read: Mutex<(Stamp, Arc<Keyring>)>,
}

/// What changes when a file does: its time of change, size and number.
type Stamp = (i64, i64, u64, u64);

impl MasterKeys {
    /// The keys that the settings name.
    ///
    /// # Errors
    /// Both settings are set, or what they name is no key.
    pub fn new(settings: &KeySettings) -> Result<Self> {
        let given = settings.keys.as_ref().filter(|keys| !keys.trim().is_empty());
        match (given, &settings.file) {
            (Some(_), Some(_)) => Err(SealError::Setting(
                "TASKER_MASTER_KEY and TASKER_MASTER_KEY_FILE are both set: set one of them".into(),
            )
            .into()),
            (Some(keys), None) => Ok(Self(Source::Given(Arc::new(Keyring::parse(keys, SETTING)?)))),
            (None, Some(path)) => Ok(Self(Source::File(KeyFile::open(path)?))),
            (None, None) => Ok(Self(Source::Nowhere)),
        }
    }

    /// For an SQLite file: without a setting its keys lie next to it, made if need be.
    ///
    /// # Errors
    /// As [`MasterKeys::new`], or the file cannot be made.
    pub fn beside(settings: &KeySettings, database: &str) -> Result<Self> {
        let found = Self::new(settings)?;
        if !matches!(found.0, Source::Nowhere) {
            return Ok(found);
        }
        if database == ":memory:" {
            let ring = Keyring::new(vec![MasterKey::generate()?])?;
            return Ok(Self(Source::Given(Arc::new(ring))));
        }
        let path = PathBuf::from(format!("{database}.key"));
        development_key(&path)?;
        Ok(Self(Source::File(KeyFile::open(&path)?)))
    }

    /// The keys as they are now.
    ///
    /// # Errors
    /// [`SealError::NoKey`] if there are none.
    pub fn ring(&self) -> std::result::Result<Arc<Keyring>, SealError> {
        match &self.0 {
            Source::Nowhere => Err(SealError::NoKey),
            Source::Given(ring) => Ok(ring.clone()),
            Source::File(file) => Ok(file.ring()),
        }
    }

    /// Puts a new key in front of those in the file.
    ///
    /// # Errors
    /// The keys come from a setting, or the file cannot be written.
    pub fn renew(&self) -> Result<()> {
        let Source::File(file) = &self.0 else {
            return Err(SealError::Setting(
                "a new master key can be added to a TASKER_MASTER_KEY_FILE only; the keys of this \
                 service are given by TASKER_MASTER_KEY: add a new key there \
                 (`tasker keystore new-key`), first after the current one, then before it, each \
                 time for every service; then rotate"
                    .into(),
            )
            .into());
        };
        file.renew()
    }
}

/// Makes a master key for development in a file, unless there is one.
///
/// # Errors
/// The file cannot be made.
pub fn development_key(path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|e| unusable(path, "cannot be made", &e))?;
    }
    let key = MasterKey::generate()?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let text = Zeroizing::new(format!("{COMMENT}{}\n", *key.expose()));
    made.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|e| unusable(path, "cannot be made", &e))?;
    tracing::warn!(
        file = %path.display(),
        "a master key for development was generated: keep a copy apart from the database; \
         in production set TASKER_MASTER_KEY"
    );
    Ok(())
}

impl KeyFile {
    fn open(path: &Path) -> Result<Self> {
        let stamp = stamp(path).map_err(|e| unusable(path, "cannot be read", &e))?;
        let ring = Arc::new(read(path)?);
        if fs::metadata(path).is_ok_and(|m| m.mode() & 0o077 != 0) {
            tracing::warn!(file = %path.display(), "others may read the master key: chmod 600 it");
        }
        Ok(Self { path: path.to_owned(), read: Mutex::new((stamp, ring)) })
    }

    fn ring(&self) -> Arc<Keyring> {
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(now) = stamp(&self.path) else { return known.1.clone() };
        if now != known.0 {
            match read(&self.path) {
                Ok(ring) => {
                    tracing::info!(
                        current = ring.current().id(),
                        "the master keys were read again"
                    );
                    *known = (now, Arc::new(ring));
                }
                // Half written, or wrong: the keys we have are better than none.
                Err(error) => tracing::error!(%error, "the master keys could not be read again"),
            }
        }
        known.1.clone()
    }

    fn renew(&self) -> Result<()> {
        let ring = self.ring();
        let new = MasterKey::generate()?;
        let keys = std::iter::once(&new).chain(ring.keys());
        let text = keys.fold(Zeroizing::new(COMMENT.to_owned()), |text, key| {
            Zeroizing::new(format!("{}{}\n", *text, *key.expose()))
        });
        replace(&self.path, &text).map_err(|e| unusable(&self.path, "cannot be written", &e))
    }
}

fn stamp(path: &Path) -> std::io::Result<Stamp> {
    let m = fs::metadata(path)?;
    Ok((m.mtime(), m.mtime_nsec(), m.size(), m.ino()))
}

fn read(path: &Path) -> Result<Keyring> {
    let text = fs::read_to_string(path).map_err(|e| unusable(path, "cannot be read", &e))?;
    Ok(Keyring::parse(&Zeroizing::new(text), &path.display().to_string())?)
}

/// Whoever reads the file meanwhile sees the old keys or the new ones, never half of them.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

fn unusable(path: &Path, why: &str, error: &std::io::Error) -> StoreError {
    SealError::Setting(format!("the master key file {} {why}: {error}", path.display())).into()
}
