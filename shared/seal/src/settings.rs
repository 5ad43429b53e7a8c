//! Where the master keys are, as the command line or the environment says.

use std::path::PathBuf;

use crate::Secret;

/// Where the master keys are. Without any, SQLite's are kept in a file next to the database, and
/// on Postgres no secret can be set.
#[derive(Clone, Default)]
pub struct KeySettings {
    /// The keys themselves, as [`Keyring::parse`](crate::Keyring::parse) reads them.
    pub keys: Option<Secret>,
    /// A file with them, which is read again whenever it changes.
    pub file: Option<PathBuf>,
    /// Seal secrets even where Supabase's Vault could keep them.
    pub no_vault: bool,
}

impl std::fmt::Debug for KeySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySettings")
            .field("keys", &self.keys.as_ref().map(|_| "(secret)"))
            .field("file", &self.file)
            .field("no_vault", &self.no_vault)
            .finish()
    }
}
