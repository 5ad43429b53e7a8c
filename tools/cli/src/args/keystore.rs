//! `tasker keystore`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use tasker_store::KeySettings;

/// A namespace of secrets and what to do with it.
#[derive(Args, Debug)]
pub struct Keystore {
    /// Namespace; `list` shows all unless it is given.
    #[arg(long, short, global = true)]
    pub namespace: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: KeystoreCommand,
}

impl Keystore {
    /// The namespace, `default` unless given.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }
}

/// What to do with secrets.
#[derive(Debug, Subcommand)]
pub enum KeystoreCommand {
    /// Set a secret. @FILE or - keep it out of the shell's history.
    Set {
        /// Name.
        name: String,
        /// The secret, @FILE, or - for standard input.
        #[arg(value_name = "VALUE|@FILE|-", allow_hyphen_values = true)]
        value: String,
    },
    /// Say whether a secret is set; exit 1 if not.
    Has {
        /// Name.
        name: String,
    },
    /// List names, never values.
    List,
    /// Remove a secret.
    Delete {
        /// Name.
        name: String,
    },
    /// Seal every secret under the current master key; services go on meanwhile.
    Rotate {
        /// Add a new master key to the keystore service's key file first, and make it the current.
        #[arg(long)]
        new_key: bool,
    },
    /// Print a fresh master key, for TASKER_MASTER_KEY.
    NewKey,
    /// Read a secret.
    Get {
        /// Name.
        name: String,
        /// Print the secret itself instead of its length.
        #[arg(long)]
        reveal: bool,
    },
}

/// Master keys, for the commands that open the database.
#[derive(Args, Clone, Debug, Default)]
pub struct MasterKeys {
    /// Master keys of sealed secrets, comma separated: the first seals, all of them open.
    #[arg(long, env = "TASKER_MASTER_KEY", hide_env_values = true)]
    master_key: Option<SecretString>,
    /// File with such keys, one a line.
    #[arg(long, env = "TASKER_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
}

impl MasterKeys {
    /// These arguments as settings of the store; what is empty counts as absent.
    pub fn settings(&self) -> KeySettings {
        let text = self.master_key.as_ref().map(|key| key.expose_secret().to_owned());
        KeySettings {
            keys: text.filter(|text| !text.is_empty()).map(Into::into),
            file: self.master_key_file.clone().filter(|path| !path.as_os_str().is_empty()),
            no_vault: false,
        }
    }
}
