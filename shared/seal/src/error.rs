//! Why a secret cannot be sealed or opened. Each text names the fix; none holds a value or a key.

/// Why a secret cannot be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// There is no master key.
    #[error(
        "no master key: set TASKER_MASTER_KEY (`tasker keystore new-key` prints one) or \
         TASKER_MASTER_KEY_FILE for every service"
    )]
    NoKey,
    /// The keys cannot be had or changed as the settings say.
    #[error("{0}")]
    Setting(String),
    /// A text is no master key.
    #[error(
        "{0} is no master key: it must be 32 random bytes in base64 or hexadecimal, as \
         `tasker keystore new-key` prints them; several are separated by commas or lines"
    )]
    BadKey(String),
    /// It was sealed with a master key that is not among ours.
    #[error(
        "{place} is sealed with master key {key}, which this process does not have: add that key \
         after the current one in TASKER_MASTER_KEY or its file"
    )]
    UnknownKey {
        /// Where the text is kept.
        place: String,
        /// Id of the master key.
        key: String,
    },
    /// The text, or the place where it stands, is not what was sealed.
    #[error(
        "{place} does not open: the sealed text was changed, or moved here from another row; \
         set the secret anew or restore the row from a backup"
    )]
    Broken {
        /// Where the text is kept.
        place: String,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}

impl SealError {
    /// A word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoKey => "MASTER_KEY_MISSING",
            Self::BadKey(_) | Self::Setting(_) => "MASTER_KEY_INVALID",
            Self::UnknownKey { .. } => "MASTER_KEY_UNKNOWN",
            Self::Broken { .. } => "SECRET_BROKEN",
            Self::NoRandomness => "NO_RANDOMNESS",
        }
    }
}
