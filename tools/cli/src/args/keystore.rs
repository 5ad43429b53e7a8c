//! `tasker keystore`.

use clap::{Args, Subcommand};

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
    /// Read a secret.
    Get {
        /// Name.
        name: String,
        /// Print the secret itself instead of its length.
        #[arg(long)]
        reveal: bool,
    },
}
