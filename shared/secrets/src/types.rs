//! What the keystore takes and answers.

/// A key as listed: never its value.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyInfo {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// What is sealed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotate {
    /// What is in clear.
    Plain,
    /// Everything that is not under the current master key.
    All,
}

/// What a rotation did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rotation {
    /// Secrets that were in clear.
    pub sealed: usize,
    /// Secrets that were sealed under another master key, or moved into the Vault.
    pub rewrapped: usize,
    /// Arguments and results in journals that were in clear or under another master key.
    pub journal: usize,
    /// What could not be opened, and why. It is as it was.
    pub broken: Vec<String>,
}
